use aceso_store::RecordRow;

fn main() {
    let _: fn(RecordRow, String) -> RecordRow = |row, plain| RecordRow { sealed: plain, ..row };
}
