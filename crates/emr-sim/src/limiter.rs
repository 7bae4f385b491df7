//! A bucket of requests for each application.

use crate::options::RateLimit;
use std::collections::BTreeMap;

/// The buckets. Time is in milliseconds of the simulator's clock.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    buckets: BTreeMap<String, (f64, i64)>,
}

impl Limiter {
    /// Takes one request out of the application's bucket.
    ///
    /// # Errors
    /// Seconds until there is one again, 1 at least.
    pub(crate) fn take(&mut self, application: &str, limit: RateLimit, now: i64) -> Result<(), u64> {
        let full = f64::from(limit.burst.max(1));
        let (left, since) = self.buckets.entry(application.to_owned()).or_insert((full, now));
        let gone = i32::try_from((now - *since).max(0)).unwrap_or(i32::MAX);
        *left = (*left + f64::from(gone) / 1000.0 * limit.per_second).min(full);
        *since = now;
        if *left >= 1.0 {
            *left -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - *left) / limit.per_second.max(0.001);
        Err((1_u64..3600)
            .find(|seconds| f64::from(u16::try_from(*seconds).unwrap_or(u16::MAX)) >= missing)
            .unwrap_or(3600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_with_the_clock_for_each_application_apart() {
        let mut limiter = Limiter::default();
        let limit = RateLimit { per_second: 0.5, burst: 2, retry_after: true };
        assert_eq!([limiter.take("a", limit, 0), limiter.take("a", limit, 0)], [Ok(()), Ok(())]);
        assert_eq!(limiter.take("a", limit, 0), Err(2));
        assert_eq!(limiter.take("b", limit, 0), Ok(()));
        assert_eq!(limiter.take("a", limit, 2000), Ok(()));
    }
}
