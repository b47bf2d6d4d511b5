//! Templates with Python's operators.
//!
//! minijinja parses a template and runs it. What operators, attributes, items and methods mean is decided here: each
//! becomes a filter of its own (`operations`), before the engine compiles the template. What transformers' environment has
//! not, or this one has not, is refused.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Block, Call, CallArg, CallBlock, Compare, CompareOpKind, Const, EmitExpr, EmitRaw,
    Expr, Filter, FilterBlock, ForLoop, GetAttr, IfCond, IfExpr, List, Macro, Map, Set, SetBlock, Spanned,
    Stmt, Template, Test, Tuple, UnaryOp, UnaryOpKind, Var, WithBlock,
};
use minijinja::{Error, ErrorKind, Value};

use super::operations::names;

/// The same template with the operations of Python.
pub(super) fn statement<'a>(stmt: &Stmt<'a>) -> Result<Stmt<'a>, Error> {
    Ok(match stmt {
        Stmt::Template(node) => {
            Stmt::Template(Spanned::new(Template { children: statements(&node.children)? }, node.span()))
        }
        Stmt::EmitExpr(node) => {
            Stmt::EmitExpr(Spanned::new(EmitExpr { expr: expression(&node.expr)? }, node.span()))
        }
        Stmt::EmitRaw(node) => Stmt::EmitRaw(Spanned::new(EmitRaw { raw: node.raw }, node.span())),
        Stmt::ForLoop(node) => Stmt::ForLoop(Spanned::new(for_loop(node, node.span())?, node.span())),
        Stmt::IfCond(node) => {
            let condition = IfCond {
                expr: expression(&node.expr)?,
                true_body: statements(&node.true_body)?,
                false_body: statements(&node.false_body)?,
            };
            Stmt::IfCond(Spanned::new(condition, node.span()))
        }
        Stmt::WithBlock(node) => {
            let block = WithBlock { assignments: at_once(node)?, body: statements(&node.body)? };
            Stmt::WithBlock(Spanned::new(block, node.span()))
        }
        Stmt::Set(node) => {
            let set = Set { target: target(&node.target)?, expr: expression(&node.expr)? };
            Stmt::Set(Spanned::new(set, node.span()))
        }
        Stmt::SetBlock(node) => {
            let block = SetBlock {
                target: target(&node.target)?,
                filter: node.filter.as_ref().map(expression).transpose()?,
                body: statements(&node.body)?,
            };
            Stmt::SetBlock(Spanned::new(block, node.span()))
        }
        Stmt::FilterBlock(node) => {
            let block = FilterBlock {
                filter: expression(&node.filter)?,
                filter_span: node.filter_span,
                body: statements(&node.body)?,
            };
            Stmt::FilterBlock(Spanned::new(block, node.span()))
        }
        Stmt::Block(node) => {
            let block = Block { name: node.name, required: node.required, body: statements(&node.body)? };
            Stmt::Block(Spanned::new(block, node.span()))
        }
        Stmt::Macro(node) => Stmt::Macro(macro_of(node)?),
        Stmt::CallBlock(node) => {
            let block = CallBlock {
                call: call_of(&node.call)?,
                call_expr_span: node.call_expr_span,
                macro_decl: macro_of(&node.macro_decl)?,
            };
            Stmt::CallBlock(Spanned::new(block, node.span()))
        }
        Stmt::Continue(node) => {
            Stmt::Continue(Spanned::new(minijinja::machinery::ast::Continue, node.span()))
        }
        Stmt::Break(node) => Stmt::Break(Spanned::new(minijinja::machinery::ast::Break, node.span())),
        Stmt::Do(_) => return Err(refused("the block `do`, which transformers has not")),
        Stmt::AutoEscape(_) => return Err(refused("the block `autoescape`")),
        Stmt::Import(_) | Stmt::FromImport(_) | Stmt::Extends(_) | Stmt::Include(_) => {
            return Err(refused("another template, which there is none of"));
        }
    })
}

/// The assignments of `with`: no value sees the variables beside it.
fn at_once<'a>(node: &Spanned<WithBlock<'a>>) -> Result<Vec<(Expr<'a>, Expr<'a>)>, Error> {
    let mut targets = Vec::with_capacity(node.assignments.len());
    let mut values = Vec::with_capacity(node.assignments.len());
    for (to, value) in &node.assignments {
        targets.push(target(to)?);
        values.push(expression(value)?);
    }
    if targets.len() < 2 {
        return Ok(targets.into_iter().zip(values).collect());
    }
    let span = node.span();
    let targets = Expr::List(Spanned::new(List { items: targets }, span));
    Ok(vec![(targets, Expr::Tuple(Spanned::new(Tuple { items: values }, span)))])
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.to_owned())
}

fn statements<'a>(all: &[Stmt<'a>]) -> Result<Vec<Stmt<'a>>, Error> {
    all.iter().map(statement).collect()
}

fn for_loop<'a>(node: &ForLoop<'a>, span: Span) -> Result<ForLoop<'a>, Error> {
    Ok(ForLoop {
        target: target(&node.target)?,
        iter: operation(names::ITERATE, expression(&node.iter)?, [], span),
        filter_expr: node.filter_expr.as_ref().map(expression).transpose()?,
        recursive: node.recursive,
        body: statements(&node.body)?,
        else_body: statements(&node.else_body)?,
    })
}

fn macro_of<'a>(node: &Spanned<Macro<'a>>) -> Result<Spanned<Macro<'a>>, Error> {
    if node.defaults.iter().any(|default| mentions_any(default, &node.args)) {
        return Err(refused("a default of a macro that depends on another argument"));
    }
    let declared = Macro {
        name: node.name,
        args: node.args.iter().map(target).collect::<Result<_, _>>()?,
        defaults: node.defaults.iter().map(expression).collect::<Result<_, _>>()?,
        body: statements(&node.body)?,
    };
    Ok(Spanned::new(declared, node.span()))
}

/// Whether an expression can be about one of these variables: certain only of simple ones.
fn mentions_any(expr: &Expr<'_>, variables: &[Expr<'_>]) -> bool {
    let any = |all: &[Expr<'_>]| all.iter().any(|expr| mentions_any(expr, variables));
    match expr {
        Expr::Const(_) => false,
        Expr::Var(var) => {
            variables.iter().any(|known| matches!(known, Expr::Var(known) if known.id == var.id))
        }
        Expr::List(node) => any(&node.items),
        Expr::Tuple(node) => any(&node.items),
        Expr::Map(node) => any(&node.keys) || any(&node.values),
        Expr::UnaryOp(node) => mentions_any(&node.expr, variables),
        Expr::GetAttr(node) => mentions_any(&node.expr, variables),
        _ => true,
    }
}

/// What is assigned to: a variable, several, or an attribute of a namespace.
fn target<'a>(expr: &Expr<'a>) -> Result<Expr<'a>, Error> {
    let all = |items: &[Expr<'a>]| items.iter().map(target).collect::<Result<Vec<_>, _>>();
    Ok(match expr {
        Expr::Var(node) => Expr::Var(Spanned::new(Var { id: node.id }, node.span())),
        Expr::List(node) => Expr::List(Spanned::new(List { items: all(&node.items)? }, node.span())),
        Expr::Tuple(node) => Expr::List(Spanned::new(List { items: all(&node.items)? }, node.span())),
        Expr::GetAttr(node) => {
            let attribute = GetAttr { expr: target(&node.expr)?, name: node.name };
            Expr::GetAttr(Spanned::new(attribute, node.span()))
        }
        other => return Err(refused(&format!("an assignment to a {}", other.description()))),
    })
}

fn expressions<'a>(all: &[Expr<'a>]) -> Result<Vec<Expr<'a>>, Error> {
    all.iter().map(expression).collect()
}

fn expression<'a>(expr: &Expr<'a>) -> Result<Expr<'a>, Error> {
    let span = expr.span();
    Ok(match expr {
        Expr::Var(node) if matches!(node.id, "varargs" | "kwargs") => {
            return Err(refused(&format!("`{}`, the arguments of a macro that have no names", node.id)));
        }
        Expr::Var(node) => Expr::Var(Spanned::new(Var { id: node.id }, span)),
        Expr::Const(node) => constant(node.value.clone(), span),
        Expr::Slice(node) => {
            let bound = |bound: &Option<Expr<'a>>| {
                bound.as_ref().map_or_else(|| Ok(constant(Value::from(()), span)), expression)
            };
            let bounds = [bound(&node.start)?, bound(&node.stop)?, bound(&node.step)?];
            operation(names::SLICE, expression(&node.expr)?, bounds, span)
        }
        Expr::UnaryOp(node) => match node.op {
            UnaryOpKind::Neg => operation(names::NEGATE, expression(&node.expr)?, [], span),
            UnaryOpKind::Not => {
                let not = UnaryOp { op: UnaryOpKind::Not, expr: expression(&node.expr)? };
                Expr::UnaryOp(Spanned::new(not, span))
            }
        },
        Expr::BinOp(node) => binary(node, span)?,
        Expr::Compare(node) => chain(node, span)?,
        Expr::IfExpr(node) => {
            let condition = IfExpr {
                test_expr: expression(&node.test_expr)?,
                true_expr: expression(&node.true_expr)?,
                false_expr: node.false_expr.as_ref().map(expression).transpose()?,
            };
            Expr::IfExpr(Spanned::new(condition, span))
        }
        Expr::Filter(node) => {
            let expr = node.expr.as_ref().map(expression).transpose()?;
            Expr::Filter(Spanned::new(Filter { name: node.name, expr, args: arguments(&node.args)? }, span))
        }
        Expr::Test(node) if matches!(node.expr, Expr::Test(_)) => {
            return Err(refused("a test of a test, of which Jinja allows no chain"));
        }
        Expr::Test(node) => {
            let test = Test { name: node.name, expr: expression(&node.expr)?, args: arguments(&node.args)? };
            Expr::Test(Spanned::new(test, span))
        }
        Expr::GetAttr(node) => {
            let name = constant(Value::from(node.name), span);
            operation(names::ATTRIBUTE, expression(&node.expr)?, [name], span)
        }
        Expr::GetItem(node) => {
            operation(names::ITEM, expression(&node.expr)?, [expression(&node.subscript_expr)?], span)
        }
        Expr::Call(node) => call(node)?,
        Expr::List(node) => Expr::List(Spanned::new(List { items: expressions(&node.items)? }, span)),
        Expr::Tuple(node) => Expr::Tuple(Spanned::new(Tuple { items: expressions(&node.items)? }, span)),
        Expr::Map(node) => dict(node, span)?,
    })
}

fn constant<'a>(value: Value, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(Const { value }, span))
}

/// A filter of `operations`.
fn operation<'a, const N: usize>(
    name: &'a str,
    value: Expr<'a>,
    others: [Expr<'a>; N],
    span: Span,
) -> Expr<'a> {
    let args = others.into_iter().map(CallArg::Pos).collect();
    Expr::Filter(Spanned::new(Filter { name, expr: Some(value), args }, span))
}

fn binary<'a>(node: &BinOp<'a>, span: Span) -> Result<Expr<'a>, Error> {
    let (left, right) = (expression(&node.left)?, expression(&node.right)?);
    let name = match node.op {
        BinOpKind::ScAnd | BinOpKind::ScOr => {
            return Ok(Expr::BinOp(Spanned::new(BinOp { op: node.op, left, right }, span)));
        }
        BinOpKind::Eq => "==",
        BinOpKind::Ne => "!=",
        BinOpKind::Lt => "<",
        BinOpKind::Lte => "<=",
        BinOpKind::Gt => ">",
        BinOpKind::Gte => ">=",
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
        BinOpKind::In => names::IN,
    };
    Ok(operation(name, left, [right], span))
}

/// `a < b < c`: `a < b and b < c`.
fn chain<'a>(node: &Compare<'a>, span: Span) -> Result<Expr<'a>, Error> {
    let mut left = &node.expr;
    let mut all: Option<Expr<'a>> = None;
    for op in &node.ops {
        let (kind, negated) = match op.op {
            CompareOpKind::Eq => ("==", false),
            CompareOpKind::Ne => ("!=", false),
            CompareOpKind::Lt => ("<", false),
            CompareOpKind::Lte => ("<=", false),
            CompareOpKind::Gt => (">", false),
            CompareOpKind::Gte => (">=", false),
            CompareOpKind::In => (names::IN, false),
            CompareOpKind::NotIn => (names::IN, true),
        };
        let mut link = operation(kind, expression(left)?, [expression(&op.expr)?], span);
        if negated {
            link = Expr::UnaryOp(Spanned::new(UnaryOp { op: UnaryOpKind::Not, expr: link }, span));
        }
        all = Some(match all {
            None => link,
            Some(before) => {
                let both = BinOp { op: BinOpKind::ScAnd, left: before, right: link };
                Expr::BinOp(Spanned::new(both, span))
            }
        });
        left = &op.expr;
    }
    all.ok_or_else(|| refused("a comparison with nothing"))
}

fn arguments<'a>(all: &[CallArg<'a>]) -> Result<Vec<CallArg<'a>>, Error> {
    let argument = |argument: &CallArg<'a>| {
        Ok(match argument {
            CallArg::Pos(expr) => CallArg::Pos(expression(expr)?),
            CallArg::Kwarg(name, expr) => CallArg::Kwarg(name, expression(expr)?),
            CallArg::PosSplat(expr) => {
                let span = expr.span();
                CallArg::PosSplat(operation(names::ITERATE, expression(expr)?, [], span))
            }
            CallArg::KwargSplat(expr) => CallArg::KwargSplat(expression(expr)?),
        })
    };
    all.iter().map(argument).collect()
}

/// A call of something else than a method.
fn call_of<'a>(node: &Spanned<Call<'a>>) -> Result<Spanned<Call<'a>>, Error> {
    let (callee, is_loop) = match &node.expr {
        Expr::Var(var) => (target(&node.expr)?, var.id == "loop"),
        // `self.block()`.
        Expr::GetAttr(attribute) if is_self(&attribute.expr) => (target(&node.expr)?, false),
        other => (expression(other)?, false),
    };
    let mut args = arguments(&node.args)?;
    if is_loop {
        // `loop(items)` goes over items as the loop itself does.
        let iterated = |argument| match argument {
            CallArg::Pos(expr) => {
                let span = expr.span();
                CallArg::Pos(operation(names::ITERATE, expr, [], span))
            }
            other => other,
        };
        args = args.into_iter().map(iterated).collect();
    }
    Ok(Spanned::new(Call { expr: callee, args }, node.span()))
}

fn is_self(expr: &Expr<'_>) -> bool {
    matches!(expr, Expr::Var(var) if var.id == "self")
}

fn call<'a>(node: &Spanned<Call<'a>>) -> Result<Expr<'a>, Error> {
    let Expr::GetAttr(method) = &node.expr else { return Ok(Expr::Call(call_of(node)?)) };
    if is_self(&method.expr) {
        return Ok(Expr::Call(call_of(node)?));
    }
    let name = CallArg::Pos(constant(Value::from(method.name), node.span()));
    let mut args = vec![name];
    args.extend(arguments(&node.args)?);
    let filter = Filter { name: names::METHOD, expr: Some(expression(&method.expr)?), args };
    Ok(Expr::Filter(Spanned::new(filter, node.span())))
}

/// `{key: value, ...}`: a filter of all keys and values.
fn dict<'a>(node: &Map<'a>, span: Span) -> Result<Expr<'a>, Error> {
    let mut args = Vec::with_capacity(node.keys.len() * 2);
    for (key, value) in node.keys.iter().zip(&node.values) {
        args.push(CallArg::Pos(expression(key)?));
        args.push(CallArg::Pos(expression(value)?));
    }
    let filter = Filter { name: names::DICT, expr: Some(constant(Value::from(()), span)), args };
    Ok(Expr::Filter(Spanned::new(filter, span)))
}
