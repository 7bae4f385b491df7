//! The types of objects that the simulator holds.

/// A type of object, named by its path below `/api/2.0/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `practices`
    Practices,
    /// `physicians`
    Physicians,
    /// `patients`
    Patients,
    /// `medications`: medication orders; a course of treatment is a thread of them.
    Medications,
    /// `discontinued_medications`
    DiscontinuedMedications,
    /// `prescription_fills`
    PrescriptionFills,
    /// `lab_orders`
    LabOrders,
    /// `reports`: lab results are reports of type `Lab`.
    Reports,
    /// `problems`
    Problems,
    /// `allergies`
    Allergies,
    /// `vitals`
    Vitals,
    /// `appointments`
    Appointments,
    /// `immunizations`
    Immunizations,
    /// `visit_notes`
    VisitNotes,
    /// `drug_intolerances`
    DrugIntolerances,
}

impl Kind {
    /// All of them, what others refer to first.
    pub const ALL: [Self; 15] = [
        Self::Practices,
        Self::Physicians,
        Self::Patients,
        Self::Medications,
        Self::DiscontinuedMedications,
        Self::PrescriptionFills,
        Self::LabOrders,
        Self::Reports,
        Self::Problems,
        Self::Allergies,
        Self::Vitals,
        Self::Appointments,
        Self::Immunizations,
        Self::VisitNotes,
        Self::DrugIntolerances,
    ];

    /// The path below `/api/2.0/`, which is also the name in subscriptions and scopes.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Practices => "practices",
            Self::Physicians => "physicians",
            Self::Patients => "patients",
            Self::Medications => "medications",
            Self::DiscontinuedMedications => "discontinued_medications",
            Self::PrescriptionFills => "prescription_fills",
            Self::LabOrders => "lab_orders",
            Self::Reports => "reports",
            Self::Problems => "problems",
            Self::Allergies => "allergies",
            Self::Vitals => "vitals",
            Self::Appointments => "appointments",
            Self::Immunizations => "immunizations",
            Self::VisitNotes => "visit_notes",
            Self::DrugIntolerances => "drug_intolerances",
        }
    }

    /// The type of this path, if there is one.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == path)
    }

    /// The name that stands in "No … matches the given query."
    pub(crate) const fn model(self) -> &'static str {
        match self {
            Self::Practices => "Practice",
            Self::Physicians => "Physician",
            Self::Patients => "Patient",
            Self::Medications => "MedOrder",
            Self::DiscontinuedMedications => "DiscontinuedMedication",
            Self::PrescriptionFills => "PrescriptionFill",
            Self::LabOrders => "LabOrder",
            Self::Reports => "Report",
            Self::Problems => "PatientProblem",
            Self::Allergies => "PatientAllergy",
            Self::Vitals => "VitalsCollection",
            Self::Appointments => "Appointment",
            Self::Immunizations => "Immunization",
            Self::VisitNotes => "VisitNote",
            Self::DrugIntolerances => "PatientDrugIntolerance",
        }
    }

    /// The member that holds the time of the last change, where this type has one.
    pub(crate) const fn changed_member(self) -> Option<&'static str> {
        match self {
            Self::Patients | Self::Medications | Self::LabOrders | Self::Reports | Self::VisitNotes => {
                Some("last_modified")
            }
            Self::Appointments => Some("last_modified_date"),
            _ => None,
        }
    }

    /// Whether an application can subscribe to this type. Those that it cannot are found by reading lists only.
    #[must_use]
    pub const fn can_be_subscribed(self) -> bool {
        !matches!(self, Self::Practices | Self::DiscontinuedMedications | Self::PrescriptionFills)
    }

    /// Whether objects of this type are kept when they are deleted, and answer 410 then.
    pub(crate) const fn can_be_deleted(self) -> bool {
        !matches!(self, Self::Practices | Self::Physicians)
    }

    pub(crate) const fn number(self) -> u64 {
        self as u64
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_a_kind_is_its_place_in_the_list_and_paths_lead_back() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), at);
            assert_eq!(Kind::from_path(kind.path()), Some(kind));
        }
    }
}
