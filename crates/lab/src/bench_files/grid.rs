//! Tables of servers side by side.
//!
//! In: what was measured, round by round. Out: lines on stdout: each round, the medians, and ours
//! against the best peer of each column. Never: a ratio of figures from different rounds.

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub name: &'static str,
    /// Digits behind the point.
    pub decimals: usize,
    /// What the ratio to the best peer should be.
    pub goal: Goal,
}

/// Which way is better, and the ratio to the best peer that is aimed at.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// More is better.
    AtLeast(f64),
    /// Less is better.
    AtMost(f64),
    /// Less is better, and there is no ratio that it should have.
    Shown,
}

impl Goal {
    fn better(self, one: f64, other: f64) -> f64 {
        match self {
            Self::AtLeast(_) => one.max(other),
            Self::AtMost(_) | Self::Shown => one.min(other),
        }
    }

    fn reached(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(goal) => ratio >= goal,
            Self::AtMost(goal) => ratio <= goal,
            Self::Shown => true,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(goal) => format!(">={goal:.2}"),
            Self::AtMost(goal) => format!("<={goal:.2}"),
            Self::Shown => "-".to_owned(),
        }
    }
}

/// Rounds of figures: a row for each server, the first of them ours.
#[derive(Clone, Debug)]
pub struct Grid {
    columns: Vec<Column>,
    servers: Vec<&'static str>,
    rounds: Vec<Vec<Vec<f64>>>,
}

const NAME: usize = 12;
const CELL: usize = 9;

impl Grid {
    /// An empty table.
    #[must_use]
    pub fn new(columns: &[Column], servers: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), servers: servers.to_vec(), rounds: Vec::new() }
    }

    /// Adds a round, a row for each server in the order of the table, and prints it.
    pub fn round(&mut self, rows: Vec<Vec<f64>>) {
        println!("\nround {}\n{}", self.rounds.len() + 1, self.heading());
        for (server, row) in self.servers.iter().zip(&rows) {
            println!("{}", self.line(server, row));
        }
        self.rounds.push(rows);
    }

    /// Prints the medians, the spread, and ours against the best peer.
    pub fn medians(&self) {
        println!("\n{}", self.told());
    }

    /// The medians, the spread, and ours against the best peer, as lines.
    #[must_use]
    pub fn told(&self) -> String {
        let mut lines = vec![format!("medians of {} rounds", self.rounds.len()), self.heading()];
        for (at, server) in self.servers.iter().enumerate() {
            lines.push(self.line(server, &self.each(|column| median(self.values(at, column)))));
        }
        lines.push(
            "spread of a figure over the rounds, (largest - smallest) / median, in %".to_owned(),
        );
        for (at, server) in self.servers.iter().enumerate() {
            let spreads = self.each(|column| 100.0 * spread(self.values(at, column)));
            lines.push(format!("{server:<NAME$}{}", cells(&spreads, |_| 0)));
        }
        if self.servers.len() < 2 {
            return lines.join("\n");
        }
        let ratios = self.each(|column| median(self.ratios(column)));
        lines.push(format!("{:<NAME$}{}", "/best peer", cells(&ratios, |_| 2)));
        let goals: String =
            self.columns.iter().map(|column| format!(" {:>CELL$}", column.goal.words())).collect();
        lines.push(format!("{:<NAME$}{goals}", "goal"));
        for (column, ratio) in self.columns.iter().zip(&ratios) {
            if ratio.is_finite() && !column.goal.reached(*ratio) {
                let words = column.goal.words();
                lines.push(format!("below its goal: {} {ratio:.2} ({words})", column.name));
            }
        }
        lines.join("\n")
    }

    /// The largest figure that a server had in a column.
    #[must_use]
    pub fn largest(&self, server: usize, column: &str) -> f64 {
        let at = self.columns.iter().position(|one| one.name == column);
        let values = at.map(|at| self.values(server, at)).unwrap_or_default();
        values.into_iter().fold(f64::NAN, f64::max)
    }

    fn each(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.columns.len()).map(value).collect()
    }

    fn values(&self, server: usize, column: usize) -> Vec<f64> {
        let rows = self.rounds.iter().filter_map(|round| round.get(server));
        rows.filter_map(|row| row.get(column).copied()).collect()
    }

    /// Ours divided by the best peer's, round by round.
    fn ratios(&self, column: usize) -> Vec<f64> {
        let Some(goal) = self.columns.get(column).map(|column| column.goal) else {
            return Vec::new();
        };
        let in_round = |round: &Vec<Vec<f64>>| {
            let mut of = round.iter().filter_map(|row| row.get(column).copied());
            let ours = of.next()?;
            let best = of.filter(|v| v.is_finite()).reduce(|one, two| goal.better(one, two))?;
            Some(ours / best)
        };
        self.rounds.iter().filter_map(in_round).collect()
    }

    fn heading(&self) -> String {
        let names: String =
            self.columns.iter().map(|column| format!(" {:>CELL$}", column.name)).collect();
        format!("{:<NAME$}{names}", "")
    }

    fn line(&self, name: &str, values: &[f64]) -> String {
        let decimals = |at: usize| self.columns.get(at).map_or(0, |column| column.decimals);
        format!("{name:<NAME$}{}", cells(values, decimals))
    }
}

fn cells(values: &[f64], decimals: impl Fn(usize) -> usize) -> String {
    let cell = |(at, value): (usize, &f64)| match value.is_finite() {
        true => format!(" {value:>CELL$.0$}", decimals(at)),
        false => format!(" {:>CELL$}", "-"),
    };
    values.iter().enumerate().map(cell).collect()
}

/// The middle one; what is no number is left out.
#[must_use]
pub fn median(mut of: Vec<f64>) -> f64 {
    of.retain(|value| value.is_finite());
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(mut of: Vec<f64>) -> f64 {
    of.retain(|value| value.is_finite());
    let least = of.iter().copied().fold(f64::INFINITY, f64::min);
    let most = of.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (most - least) / median(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORE: Column = Column { name: "MiB/s", decimals: 0, goal: Goal::AtLeast(1.0) };
    const LESS: Column = Column { name: "cpu", decimals: 1, goal: Goal::AtMost(1.0) };

    #[test]
    fn ours_is_compared_with_the_best_peer_of_the_same_round() {
        let mut grid = Grid::new(&[MORE, LESS], &["ours", "one", "two"]);
        grid.round(vec![vec![100.0, 2.0], vec![50.0, 4.0], vec![80.0, 8.0]]);
        // A slow round for everybody says the same.
        grid.round(vec![vec![10.0, 20.0], vec![f64::NAN, 40.0], vec![8.0, 80.0]]);
        assert_eq!(grid.ratios(0), [1.25, 1.25]);
        assert_eq!(grid.ratios(1), [0.5, 0.5]);
        assert_eq!(grid.largest(0, "cpu"), 20.0);
        assert!(grid.largest(0, "no such column").is_nan());
        let told = grid.told();
        assert!(told.starts_with("medians of 2 rounds\n"), "{told}");
        assert!(told.contains("\n/best peer        1.25      0.50\n"), "{told}");
    }

    #[test]
    fn goals_are_reached_from_their_own_side() {
        assert!(MORE.goal.reached(1.0) && !MORE.goal.reached(0.99));
        assert!(LESS.goal.reached(1.0) && !LESS.goal.reached(1.01));
    }

    #[test]
    fn a_median_and_a_spread_leave_out_what_is_no_number() {
        assert_eq!(median(vec![3.0, f64::NAN, 1.0, 2.0]), 2.0);
        assert_eq!(spread(vec![3.0, f64::NAN, 1.0, 2.0]), 1.0);
        assert!(median(vec![]).is_nan());
    }
}
