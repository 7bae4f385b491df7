use aceso_custodian::View;

fn main() {
    let _: fn(View) -> View = |view| View { json: Vec::new(), ..view };
}
