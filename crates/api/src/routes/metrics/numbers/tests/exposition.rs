//! A strict reader of the text that Prometheus reads (OpenMetrics 1.0.0), as far as we write it.

use std::collections::{BTreeMap, BTreeSet};

/// A metric with all its series.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) help: String,
    /// Name with labels, and value, in the order in which they stand.
    pub(super) samples: Vec<(String, Labels, f64)>,
}

/// Labels of one sample.
pub(super) type Labels = BTreeMap<String, String>;

/// The whole text.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    pub(super) families: BTreeMap<String, Family>,
}

impl Exposition {
    /// Reads it, or says which line is wrong.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("it does not end with `# EOF`")?;
        let (mut read, mut current) = (Self::default(), String::new());
        for line in body.lines() {
            let wrong = |why: &str| format!("{why}: {line}");
            if let Some(rest) = line.strip_prefix("# ") {
                let mut words = rest.splitn(3, ' ');
                let (word, name, what) = (words.next(), words.next(), words.next());
                let name = name.filter(|name| is_name(name)).ok_or(wrong("no name"))?;
                let family = read.families.entry(name.to_owned()).or_default();
                if name != current && !family.samples.is_empty() {
                    return Err(wrong("a family in two places"));
                }
                name.clone_into(&mut current);
                let what = what.ok_or(wrong("nothing is said"))?.to_owned();
                let old = match word {
                    Some("HELP") => std::mem::replace(&mut family.help, what),
                    Some("TYPE") => std::mem::replace(&mut family.kind, what),
                    Some("UNIT") => String::new(),
                    _ => return Err(wrong("no such comment")),
                };
                if !old.is_empty() {
                    return Err(wrong("said twice"));
                }
                continue;
            }
            let (name, labels, value) = sample(line).ok_or(wrong("no sample"))?;
            let family = read.families.get_mut(&current).ok_or(wrong("of no family"))?;
            let suffix = name.strip_prefix(&current).ok_or(wrong("of another family"))?;
            if !suffixes(&family.kind).contains(&suffix) {
                return Err(wrong("not the name of such a metric"));
            }
            family.samples.push((name, labels, value));
        }
        read.families.iter().try_for_each(|(name, family)| family.judge(name))?;
        Ok(read)
    }

    /// The only number of a metric without labels.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        match self.families.get(name)?.samples.as_slice() {
            [(_, _, value)] => Some(*value),
            _ => None,
        }
    }

    /// Every name that a query may ask for.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let names = self.families.iter().flat_map(|(name, family)| {
            suffixes(&family.kind).iter().map(move |suffix| format!("{name}{suffix}"))
        });
        names.collect()
    }

    /// The labels that a metric has.
    pub(super) fn labels(&self, name: &str) -> BTreeSet<String> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        let own = samples.filter(|(found, _, _)| found == name);
        own.flat_map(|(_, labels, _)| labels.keys().cloned()).collect()
    }
}

impl Family {
    fn judge(&self, name: &str) -> Result<(), String> {
        if self.kind.is_empty() || self.help.is_empty() {
            return Err(format!("{name} has no TYPE or no HELP"));
        }
        let mut seen = BTreeSet::new();
        for (sample, labels, value) in &self.samples {
            if !seen.insert((sample, labels)) {
                return Err(format!("{sample} {labels:?} stands there twice"));
            }
            if self.kind != "gauge" && (*value < 0.0 || value.is_nan()) {
                return Err(format!("{sample} {labels:?} is {value}"));
            }
        }
        if self.kind == "histogram" { self.judge_histogram(name) } else { Ok(()) }
    }

    /// Classes hold those before them, and the last holds all.
    fn judge_histogram(&self, name: &str) -> Result<(), String> {
        let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        let of = |suffix: &str| {
            let own = format!("{name}{suffix}");
            self.samples.iter().filter(move |(sample, _, _)| *sample == own)
        };
        for (_, labels, value) in of("_bucket") {
            let mut rest = labels.clone();
            let bound = rest.remove("le").ok_or(format!("{name} has a class without `le`"))?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
            series.entry(rest).or_default().push((bound, *value));
        }
        for (labels, classes) in &series {
            let rising = classes.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
            let last = classes.last().filter(|(bound, _)| bound.is_infinite());
            let count = of("_count").find(|(_, own, _)| own == labels).map(|(_, _, value)| *value);
            let sum = of("_sum").find(|(_, own, _)| own == labels);
            if !rising || last.map(|(_, all)| *all) != count || count.is_none() || sum.is_none() {
                return Err(format!("the classes of {name} {labels:?} do not add up: {classes:?}"));
            }
        }
        Ok(())
    }
}

fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        _ => &[],
    }
}

fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(legal)
}

/// `name{label="value"} 1.5`; nothing else stands on the line.
fn sample(line: &str) -> Option<(String, Labels, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}')?),
        None => (series, ""),
    };
    let mut found = Labels::new();
    // No value that we write has a quote, a comma or a backslash in it; one that has is no sample.
    for pair in labels.split(',').filter(|pair| !pair.is_empty()) {
        let (label, value) = pair.split_once("=\"")?;
        let value = value.strip_suffix('"').filter(|value| !value.contains(['"', '\\']))?;
        if !is_name(label) || found.insert(label.to_owned(), value.to_owned()).is_some() {
            return None;
        }
    }
    is_name(name).then_some((name.to_owned(), found, value.parse().ok()?))
}

#[test]
fn what_is_wrong_is_found() {
    let good = "# HELP a_b Help\n# TYPE a_b counter\na_b_total{c=\"d\"} 1\n# EOF\n";
    assert!(Exposition::read(good).is_ok());
    for (old, new) in [
        ("# EOF\n", ""),
        ("_total", ""),
        ("} 1", "} x"),
        ("} 1", "} -1"),
        ("c=\"d\"", "c=\"d"),
        ("c=\"d\"", "c=\"d\",c=\"e\""),
        ("# HELP a_b Help\n", ""),
        ("# TYPE a_b counter\n", ""),
        ("a_b_total{c=\"d\"} 1\n", "a_b_total{c=\"d\"} 1\na_b_total{c=\"d\"} 1\n"),
        ("a_b_total{", "b_total{"),
    ] {
        assert!(Exposition::read(&good.replacen(old, new, 1)).is_err(), "{old:?} → {new:?}");
    }
}
