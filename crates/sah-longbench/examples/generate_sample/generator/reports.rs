//! `gov_report`: a public body's report and a summary of it.

use super::names::Names;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const TASK: Task =
    Task { answer_prefix: "Summary:", max_new_tokens: 48, ..Task::english("gov_report") };

fn document(report: &str, summary: String) -> Vec<Document> {
    let context = format!(
        "The following is a report of a public audit office. Your task is to summarize it in one paragraph.\n\nReport:\n{report}\n\n"
    );
    vec![Document {
        context,
        queries: vec![Query::new("Summarize the report above in one paragraph.\n\n", summary)],
    }]
}

/// An audit of new water meters.
pub(crate) fn water_meters(rng: &mut Rng) -> Vec<Document> {
    let town = Names::new(rng).town();
    let (meters, late) = (rng.between(61, 94) * 100, rng.between(7, 15));
    let (budget, cost) = (rng.between(21, 29), rng.between(32, 39));
    let (leaks, litres) = (rng.between(14, 33) * 10, rng.between(9, 17));
    let report = format!(
        "What was examined. In three years the {town} Water Board replaced {meters} mechanical water meters with meters that \
send their reading by radio. The office examined whether the meters were bought properly, whether they measure correctly and \
whether the expected savings were reached.\n\n\
Cost and time. The board had planned {budget} million crowns. The replacement cost {cost} million, and it ended {late} months \
late. The main reason is that a third of the meter pits were flooded or too small, which a survey would have shown. The board \
had dropped the survey in order to save money. The contractor was paid by the hour for the additional digging, without a \
second offer being asked for.\n\n\
Quality. The office had 120 meters tested. All but two measure within the limits. Radio reading works in nineteen streets of \
twenty; in the old town, thick walls block the signal, and readers still go from door to door there. The board pays for both \
systems in these streets.\n\n\
Benefits. Because the meters report every hour, {leaks} leaks were found that nobody had known of. The loss of water in the \
network fell from {} to {litres} percent. Bills are now based on readings and no longer on estimates, and complaints have \
halved. The saving in staff has not been reached, since the former readers now answer questions about the new bills.\n\n\
What should be done. The office recommends that the board survey its sites before it signs a contract, ask for offers for \
additional work, and install relay antennas in the old town. The board agrees with the first two points. It wants to test \
relay antennas in one street before it decides.",
        litres + 8,
    );
    let summary = format!(
        "The {town} Water Board replaced {meters} water meters with radio meters. The work cost {cost} million crowns instead \
of {budget} million and ended {late} months late because the meter pits were not surveyed. The meters measure correctly and \
helped to find {leaks} leaks, but the signal fails in the old town. The office recommends surveys before contracts, offers \
for additional work and relay antennas."
    );
    document(&report, summary)
}

/// A review of a trial of night buses.
pub(crate) fn night_buses(rng: &mut Rng) -> Vec<Document> {
    let mut names = Names::new(rng);
    let (town, village) = (names.town(), names.town());
    let (lines, expected) = (rng.between(3, 5), rng.between(9, 12) * 10);
    let (riders, cost) = (rng.between(15, 23) * 10, rng.between(11, 19));
    let (share, minutes) = (rng.between(41, 58), rng.between(14, 26));
    let report = format!(
        "Background. For one year the county ran {lines} night bus lines between {town} and the villages around it, from eleven \
in the evening until five in the morning. The trial was meant to show whether people who work at night would use a bus, and \
what this would cost. This review covers all twelve months.\n\n\
Use. The county had expected {expected} riders a night. It counted {riders} on average, and more on nights before holidays. \
Asked for the reason of their journey, {share} percent named work: above all the hospital, the bakery and the parcel centre. \
The line to {village} was used least. Half of its buses ran empty, because the timetable did not match the end of the late \
shift at the sawmill.\n\n\
Cost. A ride cost the county {cost} crowns after fares, which is less than the taxi vouchers that it had paid to night nurses \
until then. Drivers were hard to find. In spring, one bus in ten was cancelled, and passengers learned of it only at the stop.\n\n\
Safety. Drivers let passengers get off between stops on request. This was the measure that riders praised most. There were \
four incidents in the year, all of them minor. A light at each stop had been promised, but was installed at only half of them.\n\n\
Waiting. The average wait for a connection at the main station was {minutes} minutes. The waiting room is locked at midnight, \
and the review team met people who waited in the entrance of a bank.\n\n\
Conclusions. The lines should be kept, apart from the one to {village}, which should either follow the shifts of the sawmill \
or end. The county should open the waiting room at night, announce cancelled buses by text message, finish the lights and \
train its own drivers rather than hire them by the night.",
    );
    let summary = format!(
        "The county tested {lines} night bus lines around {town} for a year. They carried {riders} riders a night instead of \
the expected {expected}, and {share} percent of them travelled to or from work. A ride cost less than taxi vouchers, but \
drivers were scarce and buses were cancelled without notice. The lines should be kept except the one to {village}, the waiting \
room should be open at night and cancelled buses should be announced."
    );
    document(&report, summary)
}
