//! Random numbers that a failing test can repeat.

/// Random numbers (xorshift) from a seed that a failing test shows. `ALARMD_SEED` repeats a run.
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    pub fn new() -> Random {
        let given = std::env::var("ALARMD_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let seed = given.unwrap_or(now.as_nanos() as u64 | 1);
        println!("ALARMD_SEED={seed}");
        Random { seed, state: seed }
    }

    /// The seed that repeats this run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn next(&mut self) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) as u32
    }

    /// From 0 to one below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }
}
