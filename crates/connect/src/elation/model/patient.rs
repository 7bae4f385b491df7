//! `/patients/`: the person, his insurances and consents.

use super::{Any, Day, Decimal, Flag, Id, Many, Str, Time, model};

model! {
    /// A patient (schema `Patient`).
    Patient {
        id: Id<'a>,
        first_name: Str<'a>, middle_name: Str<'a>, last_name: Str<'a>, suffix: Str<'a>, actual_name: Str<'a>,
        previous_first_name: Str<'a>, previous_last_name: Str<'a>, previous_name: PreviousName<'a>,
        mothers_maiden_name: Str<'a>,
        dob: Day<'a>, sex: Str<'a>,
        legal_gender_marker: Str<'a>, legal_gender_marker_display: Str<'a>, gender_identity: Str<'a>,
        sexual_orientation: Str<'a>, pronouns: Str<'a>, pronouns_display: Str<'a>,
        race: Str<'a>, ethnicity: Str<'a>, preferred_language: Str<'a>, ssn: Str<'a>,
        address: Address<'a>, previous_address: Address<'a>,
        phones: Many<'a, Phone<'a>>, emails: Many<'a, Email<'a>>, preferred_contact: Str<'a>,
        insurances: Many<'a, Insurance<'a>>, deleted_insurances: Many<'a, Insurance<'a>>,
        guarantor: Guarantor<'a>, emergency_contact: EmergencyContact<'a>, employer: Employer<'a>, occupation: Str<'a>,
        consents: Many<'a, Consent<'a>>, patient_status: PatientStatus<'a>,
        primary_physician: Id<'a>, caregiver_practice: Id<'a>, preferred_service_location: Id<'a>,
        primary_care_provider: Id<'a>, primary_care_provider_npi: Str<'a>, preference: Any<'a>,
        master_patient: Id<'a>, merged_into_chart: Id<'a>, metadata: Metadata<'a>,
        tags: Any<'a>, notes: Str<'a>, vip: Flag<'a>, verified: Flag<'a>, sms_opt_in_status: Flag<'a>,
        timezone: Str<'a>, created_date: Time<'a>, last_modified: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// An earlier name.
    PreviousName { first_name: Str<'a>, middle_name: Str<'a>, last_name: Str<'a>, suffix: Str<'a> }
}

model! {
    /// A postal address.
    Address { address_line1: Str<'a>, address_line2: Str<'a>, city: Str<'a>, state: Str<'a>, zip: Str<'a> }
}

model! {
    /// A phone number.
    Phone { phone: Str<'a>, phone_type: Str<'a>, created_date: Time<'a>, deleted_date: Time<'a> }
}

model! {
    /// An e-mail address.
    Email { email: Str<'a>, created_date: Time<'a>, deleted_date: Time<'a> }
}

model! {
    /// One insurance of a patient. `address`, `suite`, `city`, `state`, `zip`, `phone`, `extension` are the carrier's.
    Insurance {
        id: Id<'a>, rank: Str<'a>, member_id: Str<'a>, group_id: Str<'a>, carrier: Str<'a>, plan: Str<'a>,
        insurance_company: Id<'a>, insurance_plan: Id<'a>, payment_program: Str<'a>,
        copay: Decimal<'a>, deductible: Decimal<'a>, start_date: Day<'a>, end_date: Day<'a>,
        address: Str<'a>, suite: Str<'a>, city: Str<'a>, state: Str<'a>, zip: Str<'a>, phone: Str<'a>, extension: Str<'a>,
        relationship_to_insured: Str<'a>,
        insured_person_id: Str<'a>, insured_person_first_name: Str<'a>, insured_person_last_name: Str<'a>,
        insured_person_gender: Str<'a>, insured_person_dob: Day<'a>, insured_person_ssn: Str<'a>,
        insured_person_address: Str<'a>, insured_person_city: Str<'a>, insured_person_state: Str<'a>,
        insured_person_zip: Str<'a>,
        created_date: Time<'a>, deleted_date: Time<'a>,
    }
}

model! {
    /// Who pays what no insurance pays.
    Guarantor {
        id: Id<'a>, first_name: Str<'a>, last_name: Str<'a>, relationship: Str<'a>, phone: Str<'a>, email: Str<'a>,
        address: Str<'a>, city: Str<'a>, state: Str<'a>, zip: Str<'a>,
    }
}

model! {
    /// Whom to call.
    EmergencyContact {
        id: Id<'a>, first_name: Str<'a>, last_name: Str<'a>, relationship: Str<'a>, phone: Str<'a>,
        address_line1: Str<'a>, address_line2: Str<'a>, city: Str<'a>, state: Str<'a>, zip: Str<'a>,
    }
}

model! {
    /// An employer.
    Employer { code: Str<'a>, name: Str<'a>, description: Str<'a> }
}

model! {
    /// Whether the patient agrees that an application gets his data (schema `Consent`).
    Consent { application: Str<'a>, consented: Flag<'a>, is_active: Flag<'a>, last_modified_date: Time<'a> }
}

model! {
    /// State of the chart (schema `Status`).
    PatientStatus {
        status: Str<'a>, deceased_date: Day<'a>, inactive_reason: Str<'a>, last_status_change: Time<'a>, notes: Str<'a>,
    }
}

model! {
    /// What an application has noted on an object.
    Metadata { object_id: Str<'a>, object_web_link: Str<'a>, data: Any<'a> }
}
