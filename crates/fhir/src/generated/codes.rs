pub(crate) static CODE_LISTS: [&[&str]; 0] = [];
