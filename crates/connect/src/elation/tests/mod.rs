//! The mapping, proven: valid FHIR from every example, and nothing lost of any member of any model.

mod canary;
mod codes;
mod documented;
mod examples;
mod harness;
mod robust;
