//! Reads the source of a function that was written inside `function!`: the text that is hashed, the names of the
//! parameters, and the constants and dependencies that it asks its context for by name.
//!
//! It works on the tokens that `stringify!` printed, before any type is known. So it does deliberately not see:
//!
//! - **Other ways to the context.** A requirement is found as `ctx.import("..")` or `ctx.constant("..")` on the name of
//!   the context parameter. An alias (`let c = ctx`), `(ctx).import("..")`, `Context::import(ctx, "..")`, a function
//!   that is handed `ctx`, and a context type under another name (`use wpc::Context as Ctx`) give none.
//! - **Shadowed names.** After `let ctx = other`, `ctx.import("..")` still counts.
//! - **Macros.** What a macro expands to is not seen; what stands between its brackets is taken for code, whether or not
//!   it becomes any. When `function!` itself is used inside a macro, a grouping that exists only in the compiler (a `$e`
//!   of `1 + 2` in `$e * 3`) is not printed and so not hashed.
//! - **Cfg.** Code under an attribute that removes it counts.
//!
//! Blanks do not count for the hash even where the language reads them: `a & &b` and `a && b` are the same here.

use std::collections::HashSet;
use std::ops::Range;

use super::lexer::{self, Kind, Token};

/// The name of the type by which a function takes its context.
const CONTEXT_TYPE: &str = "Context";

/// What the source of a closure says before it is compiled. Of anything else but a closure only the text is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClosureText {
    /// The tokens, joined by one blank: what is hashed.
    pub(crate) canonical: String,
    /// Whether it is a closure: of anything else, a path to a function, the text says nothing of the code.
    pub(crate) is_closure: bool,
    /// The parameters' names without the context's, `_` for a pattern that is no name.
    pub(crate) parameters: Vec<String>,
    /// The constants that it asks for by a literal name, each once, in order of first use.
    pub(crate) constants: Vec<String>,
    /// The dependencies that it asks for by a literal name, each once, in order of first use.
    pub(crate) imports: Vec<String>,
}

/// Reads the text of the tokens of a closure, or of a path to a function. Takes any text, and time linear in its length.
pub(crate) fn read(text: &str) -> ClosureText {
    // The compiler makes a LF of CRLF before it sees a token, in literals too, and refuses most that a lone CR is in.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let tokens = lexer::tokens(&text);
    let source = Source { closers: closers(&tokens), tokens: &tokens };
    let head = source.head();
    let is_closure = head.is_some();
    let (parameters, body) = head.unwrap_or((Vec::new(), tokens.len()));
    let mut parameters: Vec<ParameterText<'_>> =
        parameters.into_iter().map(|at| source.parameter(at)).collect();
    let context = parameters.first().is_some_and(|first| first.is_context).then(|| parameters.remove(0).name);
    let (constants, imports) = context.map(|context| source.requirements(body, context)).unwrap_or_default();
    ClosureText {
        canonical: tokens.iter().map(|token| &*token.text).collect::<Vec<_>>().join(" "),
        is_closure,
        parameters: parameters.into_iter().map(|parameter| parameter.name.to_owned()).collect(),
        constants,
        imports,
    }
}

struct ParameterText<'a> {
    name: &'a str,
    is_context: bool,
}

/// A method of the context that is called with the name of what the function requires.
enum Method {
    Constant,
    Import,
}

/// The tokens, and where the group that each of them opens is closed.
struct Source<'a> {
    tokens: &'a [Token<'a>],
    closers: Vec<Option<usize>>,
}

impl<'a> Source<'a> {
    /// Where each parameter of the closure stands, and where its body begins; `None` if the text is no closure.
    fn head(&self) -> Option<(Vec<Range<usize>>, usize)> {
        let mut at = self.after_attributes(0);
        if self.tokens.get(at)?.text == "move" {
            at += 1;
        }
        if !self.is(at, '|') {
            return None;
        }
        at += 1;
        let mut parameters = Vec::new();
        let mut start = at;
        loop {
            match self.tokens.get(at)?.kind {
                Kind::Punctuation('|') => break,
                Kind::Punctuation(',') => {
                    parameters.push(start..at);
                    start = at + 1;
                    at = start;
                }
                _ => at = self.after_group(at),
            }
        }
        if start < at {
            parameters.push(start..at);
        }
        Some((parameters, at + 1))
    }

    fn parameter(&self, at: Range<usize>) -> ParameterText<'a> {
        let start = self.after_attributes(at.start).min(at.end);
        let colon = self.type_colon(start..at.end);
        let pattern = &self.tokens[start..colon.unwrap_or(at.end)];
        ParameterText {
            name: pattern_name(pattern).unwrap_or("_"),
            is_context: colon.is_some_and(|colon| is_context(&self.tokens[colon + 1..at.end])),
        }
    }

    /// The colon between a parameter's pattern and its type. In a run of colons those of `::` pair up behind it.
    fn type_colon(&self, parameter: Range<usize>) -> Option<usize> {
        let mut at = parameter.start;
        while at < parameter.end {
            let colons = (at..parameter.end).take_while(|&at| self.is(at, ':')).count();
            match colons {
                0 => at = self.after_group(at),
                _ if colons % 2 == 1 => return Some(at),
                _ => at += colons,
            }
        }
        None
    }

    /// The constants and the imports that the tokens from `body` on ask the context for.
    fn requirements(&self, body: usize, context: &str) -> (Vec<String>, Vec<String>) {
        let (mut constants, mut imports) = (Vec::new(), Vec::new());
        for at in body..self.tokens.len() {
            match self.requirement(at, context) {
                Some((Method::Constant, name)) => constants.push(name),
                Some((Method::Import, name)) => imports.push(name),
                None => {}
            }
        }
        (first_of_each(constants), first_of_each(imports))
    }

    /// `ctx.constant::<..>("name")` or `ctx.import("name")` at a place, with nothing but the literal as argument.
    fn requirement(&self, at: usize, context: &str) -> Option<(Method, String)> {
        let is_context = context != "_" && self.tokens[at].identifier() == Some(context);
        if !is_context || self.is_member(at) || !self.is(at + 1, '.') {
            return None;
        }
        let method = match self.tokens.get(at + 2)?.identifier()? {
            "constant" => Method::Constant,
            "import" => Method::Import,
            _ => return None,
        };
        let mut open = at + 3;
        if self.is(open, ':') && self.is(open + 1, ':') && self.is(open + 2, '<') {
            open = self.closers[open + 2]? + 1;
        }
        let end = if self.is(open + 2, ',') { open + 3 } else { open + 2 };
        if !self.is(open, '(') || !self.is(end, ')') {
            return None;
        }
        Some((method, self.tokens.get(open + 1)?.string_value()?))
    }

    /// Whether the word at a place belongs to what stands before it: `x.ctx` and `x::ctx`, but not `0..ctx`.
    fn is_member(&self, at: usize) -> bool {
        let before = |back: usize| at.checked_sub(back).map(|at| self.tokens[at].kind);
        match before(1) {
            Some(Kind::Punctuation('.')) => before(2) != Some(Kind::Punctuation('.')),
            Some(Kind::Punctuation(':')) => before(2) == Some(Kind::Punctuation(':')),
            _ => false,
        }
    }

    fn is(&self, at: usize, punctuation: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Punctuation(punctuation))
    }

    /// The place after a token, or after all that it opens.
    fn after_group(&self, at: usize) -> usize {
        self.closers[at].unwrap_or(at) + 1
    }

    /// The first place from `at` on where no attribute begins.
    fn after_attributes(&self, mut at: usize) -> usize {
        while self.is(at, '#') {
            let open = if self.is(at + 1, '!') { at + 2 } else { at + 1 };
            if !self.is(open, '[') {
                break;
            }
            at = self.after_group(open);
        }
        at
    }
}

/// For each token that opens a group, where the group is closed. A `<` opens one if a `>` of its own closes it: arrows
/// close nothing, and a comparison is given up where the brackets around it end.
fn closers(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut closers = vec![None; tokens.len()];
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut before = None;
    for (at, token) in tokens.iter().enumerate() {
        let opener = match token.kind {
            Kind::Punctuation(c @ ('(' | '[' | '{' | '<')) => {
                open.push((at, c));
                None
            }
            Kind::Punctuation('>') if !matches!(before, Some(Kind::Punctuation('-' | '='))) => Some('<'),
            Kind::Punctuation(')') => Some('('),
            Kind::Punctuation(']') => Some('['),
            Kind::Punctuation('}') => Some('{'),
            _ => None,
        };
        if let Some(opener) = opener {
            while opener != '<' && open.pop_if(|(_, c)| *c == '<').is_some() {}
            if let Some((opened, _)) = open.pop_if(|(_, c)| *c == opener) {
                closers[opened] = Some(at);
            }
        }
        before = Some(token.kind);
    }
    closers
}

/// The name that a pattern binds, if it is a plain one.
fn pattern_name<'a>(pattern: &'a [Token<'_>]) -> Option<&'a str> {
    let modifiers = pattern.iter().take_while(|token| matches!(&*token.text, "mut" | "ref")).count();
    match &pattern[modifiers..] {
        [name] => name.identifier(),
        _ => None,
    }
}

/// Whether a type is `&Context`, with or without a lifetime, a path before the name and arguments after it.
fn is_context(tokens: &[Token<'_>]) -> bool {
    let [reference, rest @ ..] = tokens else {
        return false;
    };
    let path = match rest {
        [lifetime, path @ ..] if lifetime.kind == Kind::Lifetime => path,
        path => path,
    };
    let arguments = path.iter().position(|token| token.kind == Kind::Punctuation('<'));
    let path = &path[..arguments.unwrap_or(path.len())];
    let in_path = |token: &Token<'_>| matches!(token.kind, Kind::Word | Kind::Punctuation(':' | '$'));
    let words_touch = path.windows(2).any(|pair| pair.iter().all(|token| token.kind == Kind::Word));
    reference.kind == Kind::Punctuation('&')
        && path.last().and_then(Token::identifier) == Some(CONTEXT_TYPE)
        && path.iter().all(in_path)
        && !words_touch
}

fn first_of_each(mut names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

#[cfg(test)]
mod tests;
