//! Mapping tables: data files, read once, that say which code of the source is which code in FHIR.
//!
//! A code that is not in its table is never guessed: its text is kept and the case is counted.

use std::sync::LazyLock;

/// One table of `table/*.tsv`.
pub(crate) struct Table {
    /// Name of the file without its ending.
    pub(crate) name: &'static str,
    rows: Vec<Row>,
}

/// One line of a table: the code of the source, then columns as the head of the file says.
pub(crate) struct Row(Vec<&'static str>);

impl Row {
    /// The code of the source.
    pub(crate) fn source(&self) -> &'static str {
        self.0.first().copied().unwrap_or_default()
    }

    /// A column after the source, counted from 1; `None` where it holds `-` or is absent.
    pub(crate) fn cell(&self, column: usize) -> Option<&'static str> {
        self.0.get(column).copied().filter(|cell| *cell != "-")
    }

    /// Whether the last column says that the text of the source is kept beside the code.
    pub(crate) fn keeps_source(&self) -> bool {
        self.0.last() == Some(&"keep")
    }
}

impl Table {
    fn parse(name: &'static str, text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        Self { name, rows: lines.map(|line| Row(line.split('\t').collect())).collect() }
    }

    /// The row of a code of the source, spelled exactly so.
    pub(crate) fn find(&self, source: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.source() == source)
    }

    /// All rows.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }
}

macro_rules! tables {
    ($($constant:ident = $name:literal),* $(,)?) => {
        $(pub(crate) static $constant: LazyLock<Table> =
            LazyLock::new(|| Table::parse($name, include_str!(concat!("../table/", $name, ".tsv"))));)*

        /// Every table.
        #[cfg(test)]
        pub(crate) fn all() -> Vec<&'static Table> {
            vec![$(&*$constant),*]
        }
    };
}

tables! {
    ABNORMAL_FLAG = "abnormal-flag",
    ALLERGY_STATUS = "allergy-status",
    APPOINTMENT_MODE = "appointment-mode",
    APPOINTMENT_STATUS = "appointment-status",
    ETHNICITY = "ethnicity",
    FASTING_METHOD = "fasting-method",
    FILL_STATUS = "fill-status",
    GENDER_IDENTITY = "gender-identity",
    INSURANCE_RANK = "insurance-rank",
    INSURED_GENDER = "insured-gender",
    LANGUAGE = "language",
    LOCATION_STATUS = "location-status",
    MEDICATION_TYPE = "medication-type",
    ORDER_TYPE = "order-type",
    PATIENT_STATUS = "patient-status",
    PAYMENT_PROGRAM = "payment-program",
    PHONE_TYPE = "phone-type",
    PRACTICE_STATUS = "practice-status",
    PROBLEM_STATUS = "problem-status",
    PRONOUNS = "pronouns",
    QUANTITY_UNIT = "quantity-unit",
    RACE = "race",
    RESOLUTION = "resolution",
    RESULT_STATUS = "result-status",
    SEVERITY = "severity",
    SEX = "sex",
    SEXUAL_ORIENTATION = "sexual-orientation",
    STAT_METHOD = "stat-method",
    SUBSCRIBER_RELATIONSHIP = "subscriber-relationship",
    TIME_SLOT_TYPE = "time-slot-type",
    UNIT = "unit",
    VALUE_TYPE = "value-type",
    VERIFICATION_STATUS = "verification-status",
    VITAL = "vital",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_table_and_says_where_it_comes_from() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("table");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".tsv", ""))
            .collect();
        files.sort();
        let mut names: Vec<&str> = all().iter().map(|table| table.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
        for name in names {
            let path = format!("{}/table/{name}.tsv", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
            assert!(head.iter().any(|line| line.contains("Source: ")), "{name} does not say where it comes from");
            assert!(head.iter().any(|line| line.starts_with("# Columns: source")), "{name} does not name its columns");
        }
    }

    #[test]
    fn every_row_has_all_columns_and_its_own_source() {
        for table in all() {
            let path = format!("{}/table/{}.tsv", env!("CARGO_MANIFEST_DIR"), table.name);
            let text = std::fs::read_to_string(path).unwrap();
            let columns = text.lines().find(|line| line.starts_with("# Columns")).unwrap().split(" | ").count();
            assert!(!table.rows().is_empty());
            for (at, row) in table.rows().iter().enumerate() {
                assert_eq!(row.0.len(), columns, "{} row {at}", table.name);
                assert!(row.0.iter().all(|cell| !cell.is_empty() && cell.trim() == *cell), "{} row {at}", table.name);
                assert!(std::ptr::eq(table.find(row.source()).unwrap(), row), "{} row {at} is hidden", table.name);
            }
        }
    }

    #[test]
    fn the_flags_of_results_are_all_there() {
        assert_eq!(ABNORMAL_FLAG.rows().len(), 27);
        assert_eq!(RESULT_STATUS.rows().len(), 11);
    }
}
