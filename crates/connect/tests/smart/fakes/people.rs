//! The people of a fake: a practice, its staff, and charts.

use super::Fake;
use serde_json::{Value, json};

impl Fake {
    /// Fills a fresh fake with so many patients, `p1` and on.
    pub(crate) fn populate(&self, patients: usize) {
        self.put(json!({ "resourceType": "Organization", "id": "org1", "name": "Practice" }));
        self.put(json!({ "resourceType": "Location", "id": "loc1", "name": "Room",
            "managingOrganization": { "reference": "Organization/org1" } }));
        self.put(json!({ "resourceType": "Practitioner", "id": "doc1", "name": [{ "family": "Berg" }],
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }] }));
        self.put(json!({ "resourceType": "PractitionerRole", "id": "role1",
            "practitioner": { "reference": "Practitioner/doc1" }, "organization": { "reference": "Organization/org1" } }));
        self.put(json!({ "resourceType": "Medication", "id": "med1",
            "code": { "text": "Lisinopril 10 mg" }, "manufacturer": { "reference": "Organization/org1" } }));
        for number in 1..=patients {
            self.add_patient(&format!("p{number}"));
        }
        let members: Vec<Value> =
            (1..=patients).map(|number| json!({ "entity": { "reference": format!("Patient/p{number}") } })).collect();
        self.put(json!({ "resourceType": "Group", "id": "g1", "type": "person", "actual": true, "member": members }));
    }

    /// A patient with his chart.
    pub(crate) fn add_patient(&self, id: &str) {
        let subject = json!({ "reference": format!("Patient/{id}") });
        self.put(
            json!({ "resourceType": "Patient", "id": id, "name": [{ "family": format!("Family-{id}"), "given": ["A"] }],
            "birthDate": "1970-01-02", "generalPractitioner": [{ "reference": "Practitioner/doc1" }],
            "managingOrganization": { "reference": "Organization/org1", "display": "Practice" } }),
        );
        self.put(json!({ "resourceType": "Encounter", "id": format!("{id}-enc"), "status": "finished",
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" }, "subject": subject,
            "participant": [{ "individual": { "reference": "PractitionerRole/role1" } }],
            "location": [{ "location": { "reference": "Location/loc1" } }] }));
        self.put(json!({ "resourceType": "Condition", "id": format!("{id}-con"), "subject": subject,
            "encounter": { "reference": format!("Encounter/{id}-enc") },
            "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10" }] } }));
        self.put(json!({ "resourceType": "AllergyIntolerance", "id": format!("{id}-all"), "patient": subject,
            "code": { "text": "Penicillin" } }));
        self.put(json!({ "resourceType": "MedicationRequest", "id": format!("{id}-rx"), "status": "active", "intent": "order",
            "subject": subject, "medicationReference": { "reference": "Medication/med1" },
            "requester": { "reference": "Practitioner/doc1" } }));
        for (category, count) in [("laboratory", 9), ("vital-signs", 3)] {
            for number in 0..count {
                self.put(observation(id, category, number));
            }
        }
        self.put(json!({ "resourceType": "DiagnosticReport", "id": format!("{id}-rep"), "status": "final", "subject": subject,
            "code": { "text": "Panel" }, "result": [{ "reference": format!("Observation/{id}-laboratory-0") }] }));
        self.put(json!({ "resourceType": "CarePlan", "id": format!("{id}-plan"), "status": "active", "intent": "plan",
            "subject": subject, "category": [{ "coding": [{ "code": "assess-plan" }] }] }));
        self.put(json!({ "resourceType": "DocumentReference", "id": format!("{id}-doc"), "status": "current", "subject": subject,
            "content": [{ "attachment": { "contentType": "text/plain", "url": format!("Binary/{id}-bin") } }],
            "custodian": { "reference": "https://other.example/fhir/Organization/77" } }));
    }
}

pub(crate) fn observation(patient: &str, category: &str, number: usize) -> Value {
    json!({ "resourceType": "Observation", "id": format!("{patient}-{category}-{number}"), "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "718-7" }] },
        "subject": { "reference": format!("Patient/{patient}") },
        "performer": [{ "reference": "Practitioner/doc1" }],
        "valueQuantity": { "value": 13.5, "unit": "g/dL" } })
}
