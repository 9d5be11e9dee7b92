//! The machine that the figures were measured on, as the first line of the data names it.

use crate::rule::Rule;

/// The longest text that is still read below a chart.
pub(crate) const MACHINE_CHARS_MAX: usize = 160;

/// The machine of a line such as `# cores: 2, load: 0.10`.
pub(crate) fn parse(line: &str) -> Result<&str, Rule> {
    let is_good = |machine: &&str| {
        (1..=MACHINE_CHARS_MAX).contains(&machine.chars().count()) && !machine.contains(char::is_control)
    };
    let machine = line.strip_prefix('#').map(str::trim).filter(is_good);
    machine.ok_or_else(|| Rule::Machine(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_a_comment_of_some_length() {
        let longest = "m".repeat(MACHINE_CHARS_MAX);
        assert_eq!(parse("# cores: 2, load: 0.10"), Ok("cores: 2, load: 0.10"));
        assert_eq!(parse(&format!("#{longest}")), Ok(longest.as_str()));
        for line in ["", "#", "# ", "cores: 2", "# a\tb", &format!("# {longest}m")] {
            assert_eq!(parse(line), Err(Rule::Machine(line.to_owned())));
        }
    }
}
