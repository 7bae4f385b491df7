//! Gathers, while the first step walks, what the second has to look at.

use super::super::visit::{Place, Visitor};
use super::{Core, Inner, facts};
use crate::definitions::{Element, ResourceType, ValueType};
use crate::json::Node;

/// One value at which there is something to do.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) node: Node<'a>,
    pub(super) element: &'static Element,
    /// The element that holds it; `None`: a resource.
    pub(super) holder: Option<&'static Element>,
    /// Which of the document's resources it is in.
    pub(super) resource: u32,
}

#[derive(Default)]
pub(super) struct Collector<'a> {
    pub(super) tasks: Vec<Task<'a>>,
    pub(super) resources: Vec<Inner<'a>>,
    open: Vec<u32>,
}

impl<'a> Visitor<'a> for Collector<'a> {
    fn open_resource(&mut self, rtype: ResourceType, node: Node<'a>, place: &Place<'_>) {
        let around = self.open.last().and_then(|number| self.resources.get(*number as usize));
        // The place of a contained resource is an item of `contained`, an element of the resource that holds it.
        let is_contained = place.element().is_some_and(|element| element.key == "contained");
        let holder = around.filter(|_| is_contained).map_or(node, |around| around.node);
        self.open.push(self.resources.len() as u32);
        self.resources.push(Inner { rtype, node, holder });
    }

    fn close_resource(&mut self) {
        self.open.pop();
    }

    fn element(&mut self, element: &'static Element, node: Node<'a>, place: &Place<'_>) {
        let facts = facts::of(element);
        if facts == 0 {
            return;
        }
        let holder = if facts & facts::EXTENSION == 0 { None } else { place.holder() };
        let resource = self.open.last().copied().unwrap_or_default();
        self.tasks.push(Task { node, element, holder, resource });
    }
}

impl<'a> Core<'_, 'a> {
    /// The rules of the R4 definitions, on all that was gathered.
    pub(super) fn definitions(&mut self, collector: &Collector<'a>) {
        for number in 0..self.resources.len() {
            self.resource_invariants(number);
        }
        for task in &collector.tasks {
            if !self.step(1) {
                return;
            }
            let facts = facts::of(task.element);
            if facts & facts::BINDING != 0
                && let Some(binding) = task.element.binding()
            {
                self.bound(binding.strength, binding.value_set, task.element.value, task.node);
            }
            if facts & facts::EXTENSION != 0 {
                self.extension(task);
            }
            if facts & (facts::INVARIANT | facts::TYPE) != 0 {
                let of_type = match task.element.value {
                    ValueType::Complex(scope) if facts & facts::TYPE != 0 => Some(scope.invariants()),
                    _ => None,
                };
                for invariant in task.element.invariants().chain(of_type.into_iter().flatten()) {
                    self.invariant(invariant, task);
                }
            }
            if let Some(profile) = task.element.profile().filter(|_| facts & facts::PROFILE != 0)
                && let Some(profile) = self.settings.profiles.find(profile)
            {
                self.conforms(profile, task.resource as usize, task.node);
            }
        }
    }
}
