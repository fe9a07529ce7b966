//! Whether a gauge is flat: the slope of its second half, which no single peak
//! or dip can bend.

/// What a gauge may still grow by in the second half of a run.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Whatever was done: allocators and page caches are not still.
    pub fixed: f64,
    /// For each write that was accepted in that half and is kept by intention.
    pub for_each_write: f64,
}

/// One reading.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub seconds: f64,
    pub writes: u64,
    pub value: f64,
}

/// How a gauge went.
#[derive(Clone, Copy, Debug)]
pub struct Trend {
    /// The median of each half.
    pub levels: [f64; 2],
    /// What the slope of each half makes over that half.
    pub growth: [f64; 2],
    /// Most that the second half may grow by.
    pub allowed: f64,
}

impl Trend {
    /// Of readings in the order of time; nothing where a half has too few.
    pub fn of(points: &[Point], begin: f64, end: f64, allowance: Allowance) -> Option<Self> {
        let middle = f64::midpoint(begin, end);
        let (first, second): (Vec<Point>, Vec<Point>) =
            points.iter().partition(|point| point.seconds < middle);
        let (from, to) = (second.first()?, second.last()?);
        let writes = to.writes.saturating_sub(from.writes) as f64;
        let length = end - middle;
        Some(Self {
            levels: [level(&first).unwrap_or(f64::NAN), level(&second)?],
            growth: [
                slope(&first).unwrap_or(f64::NAN) * length,
                slope(&second)? * length,
            ],
            allowed: allowance.fixed + allowance.for_each_write * writes,
        })
    }

    pub fn is_flat(&self) -> bool {
        self.growth[1] <= self.allowed
    }
}

fn level(points: &[Point]) -> Option<f64> {
    median(points.iter().map(|point| point.value).collect())
}

/// By Theil and Sen: the median of the slopes between all pairs.
fn slope(points: &[Point]) -> Option<f64> {
    const FEWEST: usize = 4;
    if points.len() < FEWEST {
        return None;
    }
    let pairs = points.iter().enumerate().flat_map(|(index, early)| {
        let later = points[index + 1..].iter();
        later
            .filter(|late| late.seconds > early.seconds)
            .map(|late| (late.value - early.value) / (late.seconds - early.seconds))
    });
    median(pairs.collect())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[test]
fn what_grows_is_told_from_what_is_flat() {
    let allowance = Allowance {
        fixed: 50.0,
        for_each_write: 0.5,
    };
    let series = |value: &dyn Fn(f64) -> f64| -> Vec<Point> {
        (0..360)
            .map(|number| Point {
                seconds: f64::from(number) * 10.0,
                writes: 0,
                value: value(f64::from(number)),
            })
            .collect()
    };
    let flat = |points: &[Point]| {
        let trend = Trend::of(points, 0.0, 3600.0, allowance).expect("enough readings");
        trend.is_flat()
    };
    // A warm-up that ends, with noise and a peak.
    assert!(flat(&series(&|at| {
        let peak = if at as u32 % 60 == 30 { 5_000.0 } else { 0.0 };
        at.min(100.0) * 30.0 + f64::from(at as u32 * 7919 % 40) + peak
    })));
    // A leak of a third of a unit a reading.
    assert!(!flat(&series(
        &|at| at * 0.34 + f64::from(at as u32 * 7919 % 40)
    )));
    // Growth that the writes explain, and the same without them.
    let mut kept = series(&|at| at * 10.0);
    assert!(!flat(&kept));
    for point in &mut kept {
        point.writes = (point.value * 2.0) as u64;
    }
    assert!(flat(&kept));
}
