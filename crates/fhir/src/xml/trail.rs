//! Where a walk is: names of the definitions and indexes.

use crate::definitions::Element;

#[derive(Clone, Copy)]
pub(super) enum Step {
    Root(&'static str),
    Element(&'static Element),
    Item(&'static Element, usize),
}

/// Steps from the root. A step is taken back only when its element was read or written without a fault, so that after a
/// fault this is its place.
#[derive(Default)]
pub(super) struct Trail(Vec<Step>);

impl Trail {
    pub(super) fn enter(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    pub(super) fn spell(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            if !out.is_empty() {
                out.push('.');
            }
            match step {
                Step::Root(name) => out.push_str(name),
                Step::Element(element) => out.push_str(element.name()),
                Step::Item(element, index) => {
                    out.push_str(element.name());
                    out.push_str(&format!("[{index}]"));
                }
            }
        }
        out
    }
}
