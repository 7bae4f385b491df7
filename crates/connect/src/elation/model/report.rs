//! `/reports/`: laboratory results are reports of type `Lab`.

use super::{Any, Flag, Id, Many, Str, Time, model};

model! {
    /// A report (schema `Report`).
    Report {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, physician: Id<'a>, report_type: Str<'a>, custom_title: Str<'a>,
        grids: Many<'a, Grid<'a>>, files: Many<'a, ReportFile<'a>>, images: Any<'a>, requisition_number: Str<'a>,
        order_status: Str<'a>, is_urgent: Flag<'a>, vendor: Id<'a>, printable_view: Str<'a>,
        routed_document_delegates: Any<'a>, tags: Any<'a>,
        reported_date: Time<'a>, document_date: Time<'a>, chart_date: Time<'a>, signed_date: Time<'a>, signed_by: Id<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// The results of one accession (schema `LabResultsGrid`).
    Grid {
        accession_number: Str<'a>, collected_date: Time<'a>, resulted_date: Time<'a>, status: Str<'a>, note: Str<'a>,
        results: Many<'a, LabResult<'a>>,
    }
}

model! {
    /// One result.
    LabResult {
        test: LabTest<'a>, test_category: TestCategory<'a>, value: Str<'a>, value_type: Str<'a>, units: Str<'a>,
        reference_min: Str<'a>, reference_max: Str<'a>, abnormal_flag: Str<'a>, is_abnormal: Flag<'a>, status: Str<'a>,
        text: Str<'a>, note: Str<'a>,
    }
}

model! {
    /// What was tested.
    LabTest { code: Str<'a>, name: Str<'a>, loinc: Str<'a> }
}

model! {
    /// The panel that the test is part of.
    TestCategory { value: Str<'a>, description: Str<'a> }
}

model! {
    /// A file of a report (schema `S3RetrievingDocumentFile`).
    ReportFile {
        id: Id<'a>, document: Str<'a>, content_type: Str<'a>, original_filename: Str<'a>, base64_content: Str<'a>,
        external_content: Any<'a>,
    }
}
