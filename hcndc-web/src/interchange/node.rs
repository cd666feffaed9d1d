//! A document as a tree in which every value knows where it was written.

/// A place in a text; both figures start at 1, and columns count characters, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One value of a document, with the place where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) position: Position,
    /// A fault of this node is recorded: readers pass over it.
    pub(super) faulty: bool,
    pub(super) value: Value,
}

/// Scalars keep their text, so that `1.10` or `0755` can be taken as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool, Box<str>),
    Number(Box<str>),
    Text(Box<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value. Keys are texts and unique within their map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Box<str>,
    pub(super) position: Position,
    pub(super) node: Node,
}

/// One step down a tree, by place rather than by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Item(usize),
    Entry(usize),
}

impl Node {
    pub(super) fn new(position: Position, value: Value) -> Self {
        Self {
            position,
            faulty: false,
            value,
        }
    }

    /// The value under `key`, unless it is faulty.
    pub(super) fn field(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|entry| &entry.node)
            .filter(|node| !node.faulty)
    }

    /// The entry under `key`, faulty or not.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The entries of a map in the order of the text; nothing for any other value.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; nothing for any other value.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Items that are not faulty, each with its index in the text.
    pub(super) fn sound_items(&self) -> impl Iterator<Item = (usize, &Self)> {
        self.items()
            .iter()
            .enumerate()
            .filter(|(_, node)| !node.faulty)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node at the end of `steps`, where they lead anywhere.
    pub(super) fn descend_mut(&mut self, steps: &[Step]) -> Option<&mut Self> {
        steps
            .iter()
            .try_fold(self, |node, step| match (step, &mut node.value) {
                (Step::Item(index), Value::List(items)) => items.get_mut(*index),
                (Step::Entry(index), Value::Map(entries)) => {
                    entries.get_mut(*index).map(|entry| &mut entry.node)
                }
                _ => None,
            })
    }

    /// Writes `steps` in the way of `flows[2].jobs[0].name`, after `prefix`.
    pub(super) fn path(&self, prefix: &str, steps: &[Step]) -> String {
        let mut path = prefix.to_owned();
        let mut node = self;
        for step in steps {
            match (step, &node.value) {
                (Step::Item(index), Value::List(items)) if *index < items.len() => {
                    path = item_path(&path, *index);
                    node = &items[*index];
                }
                (Step::Entry(index), Value::Map(entries)) if *index < entries.len() => {
                    path = field_path(&path, &entries[*index].key);
                    node = &entries[*index].node;
                }
                _ => break,
            }
        }
        path
    }

    /// Hands each place in the tree, of keys and of values, to `visit` with its path.
    pub(super) fn visit_places(&self, path: &str, visit: &mut impl FnMut(Position, &str)) {
        visit(self.position, path);
        for (index, item) in self.items().iter().enumerate() {
            item.visit_places(&item_path(path, index), visit);
        }
        for entry in self.entries() {
            let path = field_path(path, &entry.key);
            visit(entry.position, &path);
            entry.node.visit_places(&path, visit);
        }
    }

    /// The node at a written path such as `flows[2].jobs[0].params.a.b`; keys may hold dots and
    /// brackets.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        match &self.value {
            Value::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                items.get(index.parse::<usize>().ok()?)?.at(rest)
            }
            Value::Map(entries) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                entries.iter().find_map(|entry| {
                    let rest = path.strip_prefix(&*entry.key)?;
                    let ends = rest.is_empty() || rest.starts_with(['.', '[']);
                    ends.then(|| entry.node.at(rest)).flatten()
                })
            }
            _ => None,
        }
    }
}

pub(super) fn item_path(prefix: &str, index: usize) -> String {
    format!("{prefix}[{index}]")
}

pub(super) fn field_path(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(value: Value) -> Node {
        Node::new(Position { line: 1, column: 1 }, value)
    }

    fn map(entries: Vec<(&str, Value)>) -> Value {
        let position = Position { line: 1, column: 1 };
        Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key: key.into(),
                    position,
                    node: node(value),
                })
                .collect(),
        )
    }

    #[test]
    fn written_path_leads_to_its_node_even_through_keys_with_dots() {
        let tree = node(map(vec![
            (
                "a",
                Value::List(vec![
                    node(Value::Null),
                    node(map(vec![("b.c", Value::Number("1".into()))])),
                ]),
            ),
            ("b", Value::Null),
        ]));
        assert_eq!(
            tree.at("a[1].b.c").map(|n| &n.value),
            Some(&Value::Number("1".into()))
        );
        assert_eq!(tree.at("b").map(|n| &n.value), Some(&Value::Null));
        assert_eq!(tree.at("a[2]"), None);
        assert_eq!(tree.at("c"), None);
        assert_eq!(
            tree.path("", &[Step::Entry(0), Step::Item(1), Step::Entry(0)]),
            "a[1].b.c"
        );
    }
}
