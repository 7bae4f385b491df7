use aceso_base::Randomness;

/// The operating system's generator by way of the cryptographic module (`aws_lc_rs::rand`).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, out: &mut [u8]) {
        // Without randomness every key and nonce from here on would be a guess: no answer is better than that one.
        if aws_lc_rs::rand::fill(out).is_err() {
            std::process::abort();
        }
    }
}
