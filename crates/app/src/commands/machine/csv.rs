//! A list of machines as CSV: the first line names the columns, every other line is a machine.
//! Commas part cells, quotes hold one together, `#` begins a comment; no cell has a line break.

use crate::config::fault::nearest;
use crate::failure::Failure;
use engine::command::DeclaredMachine;
use model::HardwareAddress;

/// More columns than this are no list of machines.
const COLUMNS_MAX: usize = 300;
/// So many wrong lines are said.
const FAULTS_SHOWN: usize = 20;

/// The columns there can be.
const COLUMNS: [&str; 5] = ["mac", "name", "profile", "state", "labels"];

/// All machines, or every line that is wrong.
pub fn read(file: &str, text: &str) -> Result<Vec<DeclaredMachine>, Failure> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let Some((at, head)) = lines.next() else {
        return Err(Failure::usage(format!("{file} has no line")).hint(HINT));
    };
    let head = cells(head).and_then(columns);
    let head =
        head.map_err(|why| Failure::usage(format!("{file}:{}: {why}", at + 1)).hint(HINT))?;
    let (mut machines, mut faults) = (Vec::new(), Vec::new());
    for (at, line) in lines {
        let at = format!("{file}:{}", at + 1);
        match cells(line).and_then(|cells| machine(&head, &cells)) {
            Ok(machine) => machines.push(DeclaredMachine { at, ..machine }),
            Err(why) => faults.push(format!("{at}: {why}")),
        }
    }
    if faults.is_empty() {
        return Ok(machines);
    }
    let more = faults.len().saturating_sub(FAULTS_SHOWN);
    faults.truncate(FAULTS_SHOWN);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    Err(Failure::usage(faults.join("\n")))
}

const HINT: &str = "the first line names the columns: mac, name, profile, state, labels, label:KEY";

/// One line in cells, without blanks around them.
fn cells(line: &str) -> Result<Vec<String>, String> {
    let (mut all, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    all.push(cell);
    match (quoted, all.len() > COLUMNS_MAX) {
        (true, _) => Err("a quote has no end on its line".to_owned()),
        (_, true) => Err(format!("it has more than {COLUMNS_MAX} cells")),
        _ => Ok(all.iter().map(|cell| cell.trim().to_owned()).collect()),
    }
}

fn columns(head: Vec<String>) -> Result<Vec<String>, String> {
    for (at, column) in head.iter().enumerate() {
        if head.iter().take(at).any(|other| other == column) {
            return Err(format!("two columns are called `{}`", shown(column)));
        }
        let label = column.strip_prefix("label:").is_some_and(|key| !key.is_empty());
        if !label && !COLUMNS.contains(&column.as_str()) {
            let near = nearest(column, COLUMNS).map(|near| format!(": did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            return Err(format!("`{}` is no column{near}", shown(column)));
        }
    }
    match head.iter().any(|column| column == "mac") {
        true => Ok(head),
        false => Err("no column is called `mac`".to_owned()),
    }
}

fn machine(head: &[String], cells: &[String]) -> Result<DeclaredMachine, String> {
    if cells.len() > head.len() {
        return Err(format!("it has {} cells, the first line {}", cells.len(), head.len()));
    }
    let cell = |name: &str| {
        let at = head.iter().position(|column| column == name)?;
        cells.get(at).filter(|cell| !cell.is_empty())
    };
    let mac: HardwareAddress = cell("mac").ok_or("it has no MAC")?.parse()?;
    let mut machine = DeclaredMachine {
        name: cell("name").cloned(),
        profile: cell("profile").cloned(),
        state: cell("state").map(|state| state.parse()).transpose()?,
        ..DeclaredMachine::new(mac)
    };
    for pair in cell("labels").into_iter().flat_map(|cell| cell.split([';', ' '])) {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                machine.labels.insert(key.to_owned(), value.to_owned());
            }
            _ if pair.is_empty() => {}
            _ => return Err(format!("`{}` is no label: write it like room=3", shown(pair))),
        }
    }
    for (column, value) in head.iter().zip(cells).filter(|(_, value)| !value.is_empty()) {
        if let Some(key) = column.strip_prefix("label:") {
            machine.labels.insert(key.to_owned(), value.clone());
        }
    }
    Ok(machine)
}

fn shown(text: &str) -> String {
    model::text::show(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_its_labels_and_places() {
        let text = "# rack a\nmac, name,label:room,labels\n52:54:00:77:00:01,lab-01,3,\n\n\
                    5254.0077.0002,,\"the \"\"big\"\", one\",rack=a;row=2\n";
        let machines = read("rack.csv", text).unwrap();
        let labels = |n: usize| {
            let all = machines[n].labels.iter().map(|(key, value)| format!("{key}={value}"));
            all.collect::<Vec<String>>().join(" ")
        };
        assert_eq!((machines[0].name.as_deref(), labels(0).as_str()), (Some("lab-01"), "room=3"));
        assert_eq!((machines[1].name.as_deref(), machines[1].at.as_str()), (None, "rack.csv:5"));
        assert_eq!(labels(1), "rack=a room=the \"big\", one row=2");
    }

    #[test]
    fn every_wrong_line_is_said() {
        let one = |text: &str| read("f", text).unwrap_err().to_string();
        assert!(one("").contains("f has no line"));
        assert!(one("name\nx").contains("f:1: no column is called `mac`"));
        assert!(one("mac,nmae\n").contains("did you mean `name`?"));
        let said = one("mac,state\nx\n52:54:00:77:00:01,aproved\n52:54:00:77:00:01,\"\n1,2,3\n");
        for line in
            ["f:2: `x` is no MAC", "f:3: `aproved` is no state", "f:4: a quote", "f:5: it has 3"]
        {
            assert!(said.contains(line), "{line}: {said}");
        }
    }
}
