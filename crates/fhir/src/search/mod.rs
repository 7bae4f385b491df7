//! Search parameters: extraction of values from a resource, and matching of values against a query.
