use aceso_base::Token16;
use aceso_policy::Grant;

fn main() {
    let _: fn(Grant) -> Grant = |grant| Grant { id: Token16([0; 16]), ..grant };
}
