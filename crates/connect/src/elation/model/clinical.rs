//! `/problems/`, `/allergies/`, `/drug_intolerances/`, `/vitals/`.

use super::{Any, Day, Decimal, Id, Many, Str, Time, model};

model! {
    /// An entry of the problem list (schema `PatientProblem`).
    Problem {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, description: Str<'a>, status: Str<'a>, verification_status: Str<'a>,
        dx: Many<'a, Diagnosis<'a>>, synopsis: Str<'a>, rank: Decimal<'a>, start_date: Day<'a>, resolved_date: Day<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// Codes of a problem (schema `ImoCodeRelation`).
    Diagnosis { icd10: Many<'a, Str<'a>>, icd9: Many<'a, Str<'a>>, snomed: Str<'a> }
}

model! {
    /// An allergy (schema `PatientAllergy`).
    Allergy {
        id: Id<'a>, patient: Id<'a>, name: Str<'a>, status: Str<'a>, reaction: Str<'a>, severity: Str<'a>,
        start_date: Day<'a>, medispanid: Str<'a>, medispandnid: Str<'a>, created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// A drug that the patient does not tolerate (schema `PatientDrugIntolerance`).
    DrugIntolerance {
        id: Id<'a>, patient: Id<'a>, name: Str<'a>, status: Str<'a>, reaction: Str<'a>, severity: Str<'a>,
        start_date: Day<'a>, created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// What was measured at one time (schema `VitalsCollection`).
    Vitals {
        id: Id<'a>, patient: Id<'a>, practice: Id<'a>, visit_note: Id<'a>, non_visit_note: Id<'a>,
        bp: Many<'a, BloodPressure<'a>>, height: Many<'a, Vital<'a>>, weight: Many<'a, Vital<'a>>, hr: Many<'a, Vital<'a>>,
        rr: Many<'a, Vital<'a>>, temperature: Many<'a, Vital<'a>>, oxygen: Many<'a, Vital<'a>>, pain: Many<'a, Vital<'a>>,
        hc: Many<'a, Vital<'a>>, bmi: Decimal<'a>, bmi_percentile: Decimal<'a>, length_for_weight_percentile: Decimal<'a>,
        custom_observations: Any<'a>,
        document_date: Time<'a>, chart_date: Time<'a>, signed_date: Time<'a>, signed_by: Id<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// A blood pressure.
    BloodPressure { systolic: Str<'a>, diastolic: Str<'a>, note: Str<'a> }
}

model! {
    /// Any other measurement.
    Vital { value: Str<'a>, units: Str<'a>, note: Str<'a>, percentile: Decimal<'a> }
}

model! {
    /// A measurement that the practice has defined.
    CustomVital { label: Str<'a>, value: Str<'a>, units: Str<'a>, note: Str<'a> }
}
