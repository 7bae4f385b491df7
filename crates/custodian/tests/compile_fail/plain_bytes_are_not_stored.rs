use aceso_store::RecordRow;

fn main() {
    let _: fn(RecordRow, Vec<u8>) -> RecordRow = |row, plain| RecordRow { sealed: plain, ..row };
}
