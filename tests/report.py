#!/usr/bin/env python3
"""Opens a report in a real headless Chromium, on a desktop, in the dark, and on a phone.

    cargo xtask report benchmark_results/RUN
    python3 tests/report.py benchmark_results/RUN/report/report.html [--screenshots DIR]

Fails where the console has an error, anything is fetched, a filter shows the wrong samples, the keyboard cannot reach what it
should, a picture, table or landmark has no name, a figure in a heat map does not stand out from its cell, a link of the page or a folded
table leads nowhere, or the page is wider than a phone. Needs `chromium` (Debian: `apt-get install
chromium`; CHROMIUM=PATH names another) and nothing of Python but its standard library: it speaks to the browser through a pipe.
"""

import argparse
import base64
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# The exit code where there is a browser and it does not start; 1 is a check that failed.
CANNOT_START = 3
SIZES = {"desktop": (1280, 900), "dark": (1280, 900), "phone": (390, 844)}


class Browser:
    """Chromium behind `--remote-debugging-pipe`: JSON messages, each ended by a zero byte."""

    def __init__(self, program, profile):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]

        def descriptors():
            # The browser reads from 3 and writes to 4, which may be in use here.
            reads, writes = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs_in, theirs_out))
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        command = [program, *arguments, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, close_fds=False, preexec_fn=descriptors, **quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        self.input, self.output = os.fdopen(ours_in, "rb"), os.fdopen(ours_out, "wb")
        self.number, self.session, self.events, self.rest = 0, None, [], b""

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.input.fileno(), 1 << 16)
            if not more:
                raise SystemExit("the browser ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.output.write(json.dumps(message).encode() + b"\0")
        self.output.flush()
        while True:
            message = self.read()
            if message.get("id") == self.number:
                if "error" in message:
                    raise SystemExit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait(self, event):
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self.read())

    def page(self):
        """A tab of its own, whose events come from now on."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events = []
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"]:
            self.call(f"{domain}.enable")

    def evaluate(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def press(self, key):
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key])

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(timeout=20)


def started(program, profile):
    """A browser that answers. Now and then one ends while it starts; it is tried three times."""
    for attempt in range(3):
        try:
            browser = Browser(program, f"{profile}/{attempt}")
            browser.call("Browser.getVersion")
            return browser
        except (SystemExit, BrokenPipeError) as error:
            print(f"starting {program}: {error or 'it ended'}", file=sys.stderr)
    print(f"NOT TESTED: {program} cannot be started", file=sys.stderr)
    sys.exit(CANNOT_START)


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def that(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}")


def parts(browser):
    """What the ids of each table of samples begin with: nothing, or on a page of several benchmarks their names."""
    return browser.evaluate("[...document.querySelectorAll('form.filters')].map(form => form.id.slice(0, -'filters'.length))")


def visible(part):
    """The samples that are shown."""
    return f"[...document.getElementById('{part}samples-body').children].filter(row => row.offsetParent !== null)"


def show(browser, page, look):
    width, height = SIZES[look]
    browser.page()
    phone = look == "phone"
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone
    )
    scheme = "dark" if look == "dark" else "light"
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("Page.navigate", url=page.resolve().as_uri())
    browser.wait("Page.loadEventFired")


def check_console(browser, checks, look):
    for message in browser.events:
        method, what = message.get("method"), message.get("params", {})
        if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            checks.that(False, f"{look}: the console says {json.dumps(what)[:300]}")
        if method == "Network.requestWillBeSent":
            url = what["request"]["url"]
            checks.that(url.startswith(("file:", "data:")), f"{look}: fetches {url}")
    checks.that(True, "the console is empty")


def check_names(browser, checks):
    """What a screen reader is told."""
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    value = lambda node, key: node.get(key, {}).get("value", "")
    nodes = [(value(node, "role"), value(node, "name")) for node in tree if not node.get("ignored")]
    roles = {role for role, _ in nodes}
    for landmark in ["banner", "navigation", "main", "contentinfo"]:
        checks.that(landmark in roles, f"no landmark {landmark}")
    for role in ["image", "img", "table", "navigation", "search", "combobox", "searchbox", "link", "button"]:
        for name in [name for other, name in nodes if other == role]:
            checks.that(name.strip(), f"a {role} without a name")
    checks.that("image" in roles or "img" in roles, f"no picture in {sorted(roles)}")
    headings = browser.evaluate("[...document.querySelectorAll('h1, h2')].map(heading => heading.tagName).join(' ')")
    checks.that(headings.startswith("H1 H2") and headings.count("H1") == 1, f"headings are {headings}")


def check_keyboard(browser, checks):
    browser.press("Tab")
    focused = "document.activeElement.className + ' ' + getComputedStyle(document.activeElement).outlineStyle"
    checks.that(browser.evaluate(focused) == "skip solid", f"the first Tab leads to {browser.evaluate(focused)}")
    browser.press("Enter")
    checks.that(browser.evaluate("document.activeElement.id") == "content", "the skip link leads nowhere")
    reached = set()
    reachable = "document.querySelectorAll('a, summary, select, input, button, [tabindex=\"0\"]').length"
    for _ in range(browser.evaluate(reachable)):
        browser.press("Tab")
        reached.add(browser.evaluate("document.activeElement.id || document.activeElement.tagName"))
    wanted = {part + name for part in parts(browser) for name in ("by-task", "by-comparison", "by-text")}
    wanted |= {"SUMMARY"} if wanted else set()
    checks.that(wanted <= reached, f"the keyboard does not reach {wanted - reached}")


def check_filters(browser, checks, part):
    shown_rows = visible(part)
    all_rows = browser.evaluate(f"{shown_rows}.length")
    if not all_rows:
        print("no samples differ: nothing to filter")
        return
    checks.that(not browser.evaluate(f"document.getElementById('{part}filters').hidden"), "the filters are hidden")

    def choose(field, text):
        browser.evaluate(
            f"(field => {{ field.value = {json.dumps(text)}; field.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
            f"(document.getElementById('{part}{field}'))"
        )

    def reset():
        browser.evaluate(f"document.querySelector('#{part}filters button').click()")
        browser.evaluate("new Promise(done => setTimeout(done, 30))")

    count = f"document.getElementById('{part}count').textContent"
    for field, key in [("by-task", "task"), ("by-comparison", "comparison")]:
        values = browser.evaluate(f"[...document.getElementById('{part}{field}').options].map(option => option.value)")
        total = 0
        for choice in values[1:]:
            choose(field, choice)
            shown = browser.evaluate(f"{shown_rows}.map(row => row.dataset.{key})")
            checks.that(shown and set(shown) == {choice}, f"{field}={choice} shows {set(shown)}")
            checks.that(browser.evaluate(count) == f"{len(shown)} of {all_rows} samples", f"{field}: {browser.evaluate(count)}")
            total += len(shown)
        checks.that(total == all_rows, f"{field}: {total} of {all_rows} samples are in one of the choices")
        reset()
        checks.that(browser.evaluate(f"{shown_rows}.length") == all_rows, f"{field} cannot be taken back")
    word = browser.evaluate(f"{shown_rows}[0].querySelector('.question').textContent.trim().slice(0, 12)")
    choose("by-text", word.upper())
    texts = browser.evaluate(f"{shown_rows}.map(row => row.textContent.toLowerCase())")
    checks.that(texts and all(word.lower() in text for text in texts), f"text {word!r} shows {len(texts)} samples")
    choose("by-text", "no sample has this text \U0001f984")
    checks.that(browser.evaluate(f"{shown_rows}.length") == 0, "a text that is nowhere shows samples")
    reset()
    opened = f"(row => {{ row.querySelector('summary').click(); return row.querySelector('.context').offsetHeight; }})({shown_rows}[0])"
    checks.that(browser.evaluate(opened) > 0, "a context does not unfold")
    browser.evaluate(f"document.querySelectorAll('#{part}samples-body details').forEach(details => {{ details.open = false; }})")


MAPS = """[...document.querySelectorAll('figure svg')].filter(svg => svg.querySelector('title').id.match(/(^|-)(maps|kept_heads)/)).map(svg => {
  const box = element => element.getBoundingClientRect(), fill = element => getComputedStyle(element).fill;
  const cells = [...svg.querySelectorAll('rect')].map(cell => [box(cell), fill(cell)]);
  const behind = ({x, y, width, height}) => cells.filter(([cell]) =>
    cell.left <= x + width / 2 && x + width / 2 <= cell.right && cell.top <= y + height / 2 && y + height / 2 <= cell.bottom);
  return [...svg.querySelectorAll('text')].map(text => [text.textContent.trim(), fill(text), behind(box(text)).at(-1)?.[1]]);
})"""


def luminance(colour):
    """Relative luminance (WCAG 2.2) of `rgb(1, 2, 3)`."""
    channels = [int(channel) / 255 for channel in colour[4:-1].split(",")]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def check_maps(browser, checks, look):
    """Every figure stands out from what is behind it."""
    for texts in browser.evaluate(MAPS):
        figures = [text for text in texts if text[0].replace(".", "").isdigit()]
        checks.that(figures, f"{look}: a map has no figures")
        for text, ink, behind in texts:
            one, two = sorted([luminance(ink), luminance(behind)])
            contrast = (two + 0.05) / (one + 0.05)
            checks.that(contrast >= 4.5, f"{look}: {text!r} in a map is {ink} on {behind}, a contrast of {contrast:.1f}")


def check_links(browser, checks):
    """What the page leads to is there, and what is folded has a table."""
    lost = "[...document.querySelectorAll('a')].filter(link => !document.querySelector(link.hash)).map(link => link.hash)"
    checks.that(not browser.evaluate(lost), f"links lead nowhere: {browser.evaluate(lost)}")
    folded = "[...document.querySelectorAll('main > section > details')]"
    for at in range(browser.evaluate(f"{folded}.length")):
        opened = f"(details => {{ details.open = true; return details.querySelector('tbody tr')?.offsetHeight; }})({folded}[{at}])"
        checks.that(browser.evaluate(opened), "a folded table does not unfold")
        browser.evaluate(f"{folded}[{at}].open = false")


def check_width(browser, checks, look):
    wide = browser.evaluate("document.documentElement.scrollWidth")
    checks.that(wide <= SIZES[look][0], f"{look}: the page is {wide} pixels wide")


def screenshots(browser, look, folder):
    """The whole page from the top, at most so high that it can be looked at, and the samples."""
    width, height = SIZES[look]
    full = browser.evaluate("document.documentElement.scrollHeight")
    samples = browser.evaluate("document.getElementById('samples')?.getBoundingClientRect().top + scrollY")
    parts = {"top": (0, min(full, 4 * height))}
    if samples:
        parts["samples"] = (samples, min(full - samples, 2 * height))
    for heading in ["scores", "buckets", "further", "differences", "density", "cache", "costs", "attention", "configuration"]:
        at = browser.evaluate(f"document.getElementById('{heading}')?.getBoundingClientRect().top + scrollY")
        if at:
            parts[heading] = (at, min(full - at, 2 * height))
    for name, (top, high) in parts.items():
        clip = {"x": 0, "y": top, "width": width, "height": high, "scale": 1}
        shot = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        (folder / f"{look}-{name}.png").write_bytes(base64.b64decode(shot["data"]))


def colours(browser):
    """Of the page, and of text in a figure."""
    script = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('figure svg text')).fill]"
    return browser.evaluate(script)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    arguments = parser.parse_args()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        sys.exit("no Chromium: install it (Debian: apt-get install chromium), or name it with CHROMIUM=PATH")
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    checks, seen = Checks(), {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = started(program, profile)
        for look in SIZES:
            show(browser, arguments.page, look)
            check_width(browser, checks, look)
            check_maps(browser, checks, look)
            seen[look] = colours(browser)
            if arguments.screenshots:
                screenshots(browser, look, arguments.screenshots)
            if look == "desktop":
                check_names(browser, checks)
                check_links(browser, checks)
                check_keyboard(browser, checks)
            for part in parts(browser):
                check_filters(browser, checks, part)
            check_console(browser, checks, look)
        browser.close()
    for at, what in enumerate(["the page", "text in figures"]):
        checks.that(seen["desktop"][at] != seen["dark"][at], f"{what} is {seen['dark'][at]} in the dark, too")
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
