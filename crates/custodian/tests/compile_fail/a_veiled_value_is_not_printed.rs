use aceso_phi::Phi;

fn main() {
    println!("{}", Phi::new(String::new()));
}
