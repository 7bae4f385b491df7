//! `/lab_orders/`.

use super::{Any, Day, Decimal, Flag, Icd10, Id, Many, Str, Time, model};

model! {
    /// An order of laboratory tests (schema `LabOrder`).
    LabOrder {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, ordering_physician: Id<'a>, content: LabOrderContent<'a>,
        requisition: Str<'a>, vendor: Id<'a>, site: LabSite<'a>, resolution: Resolution<'a>,
        specimens: Many<'a, OrderSpecimen<'a>>, submissions: Any<'a>, answers: Any<'a>, bill_type: Str<'a>,
        confidential: Flag<'a>, ccs: Any<'a>, facility: Any<'a>, special_insurance: Any<'a>, tags: Any<'a>,
        follow_up_method: Str<'a>, printable_view: Str<'a>, test_date: Day<'a>,
        document_date: Time<'a>, chart_date: Time<'a>, signed_date: Time<'a>, signed_by: Id<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// What is ordered.
    LabOrderContent {
        id: Id<'a>, tests: Many<'a, OrderedTest<'a>>, icd10_codes: Many<'a, Icd10<'a>>, fasting_method: Str<'a>,
        stat_method: Str<'a>, collection_datetime: Time<'a>, patient_instructions: Str<'a>, test_center_notes: Str<'a>,
        standing_order_frequency: Str<'a>, standing_order_end_date: Day<'a>,
    }
}

model! {
    /// One test of an order (schema `LabOrderTestWithDiagnoses`).
    OrderedTest {
        id: Id<'a>, name: Str<'a>, code: Str<'a>, cpts: Many<'a, Str<'a>>, icd10_codes: Many<'a, Icd10<'a>>,
        questions: Any<'a>, synonyms: Any<'a>, compendium: Id<'a>, lab_vendor: Id<'a>, procedure_class: Str<'a>,
        practice_created: Id<'a>, created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// Whether an order is open (schema `DocumentResolutionState`).
    Resolution {
        id: Id<'a>, state: Str<'a>, note: Str<'a>, document: Id<'a>, resolving_document: Id<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// A specimen that was taken with the order.
    OrderSpecimen {
        id: Id<'a>, lab_order: Id<'a>, test: Id<'a>, container_id: Str<'a>, description: Str<'a>, body_site: BodySite<'a>,
        modifiers: Many<'a, SpecimenModifier<'a>>,
    }
}

model! {
    /// Where on the body.
    BodySite { code: Str<'a>, text: Str<'a>, deleted_date: Time<'a> }
}

model! {
    /// More about where on the body.
    SpecimenModifier { modifier: BodySite<'a>, sequence: Decimal<'a>, specimen: Id<'a>, deleted_date: Time<'a> }
}

model! {
    /// Where the patient goes to have the specimen taken (schema `LabVendorPatientSite`).
    LabSite {
        id: Id<'a>, name: Str<'a>, address: Str<'a>, suite: Str<'a>, city: Str<'a>, state: Str<'a>, zip: Str<'a>,
        phone: Str<'a>, fax: Str<'a>, vendor: Any<'a>, practice_created: Id<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}
