//! A second implementation of the language: slow, obvious, and built otherwise than the engine.
//!
//! It reads a template character by character into a tree that keeps expressions as text, keeps
//! all names in a stack of maps, and evaluates an expression while it reads it, each time anew.

mod eval;
mod read;
mod value;

use std::collections::{BTreeMap, HashMap};

use self::read::N;
pub(crate) use self::value::V;

/// The sources of templates by name.
pub(crate) type Sources = BTreeMap<String, String>;

/// Renders a template; an error is only the fact that there is one.
pub(crate) fn render(sources: &Sources, name: &str, data: &V) -> Result<String, String> {
    let V::Obj(entries) = data else { return Err("data is no object".into()) };
    let page = Page { sources };
    let env: Env = vec![entries.iter().cloned().collect()];
    page.template(name, env, &HashMap::new())
}

/// All visible names, innermost last.
type Env = Vec<HashMap<String, V>>;

type Blocks = HashMap<String, String>;

struct Page<'s> {
    sources: &'s Sources,
}

/// What one use of a template has gathered.
struct Use {
    blocks: Blocks,
    layout: Option<(String, V)>,
}

impl Page<'_> {
    fn template(&self, name: &str, mut env: Env, yields: &Blocks) -> Result<String, String> {
        let source = self.sources.get(name).ok_or("missing")?;
        let nodes = read::read(source)?;
        let has_layout = nodes.iter().any(|node| matches!(node, N::Layout(..)));
        env.push(HashMap::new());
        let mut used = Use { blocks: Blocks::new(), layout: None };
        let mut out = String::new();
        self.nodes(&nodes, name, &mut env, yields, &mut used, has_layout, &mut out)?;
        let Some((layout, values)) = used.layout else { return Ok(out) };
        if used.blocks.is_empty() {
            used.blocks.insert("body".into(), out);
        }
        env.push(props(&values));
        let mut blocks = yields.clone();
        if !name.starts_with("layouts/") {
            blocks.clear();
        }
        blocks.extend(used.blocks);
        self.template(&format!("layouts/{layout}"), env, &blocks)
    }

    #[allow(clippy::too_many_arguments)]
    fn nodes(
        &self,
        nodes: &[N],
        name: &str,
        env: &mut Env,
        yields: &Blocks,
        used: &mut Use,
        has_layout: bool,
        out: &mut String,
    ) -> Result<(), String> {
        for node in nodes {
            match node {
                N::Text(text) => out.push_str(text),
                N::Out(expr) => out.push_str(&eval::output(expr, env)?),
                N::Set(set, expr) => {
                    let value = eval::eval(expr, env)?;
                    env.last_mut().expect("a scope").insert(set.clone(), value);
                }
                N::If(branches, otherwise) => {
                    let mut chosen = otherwise.as_ref();
                    for (condition, body) in branches {
                        if eval::eval(condition, env)?.truth() {
                            chosen = Some(body);
                            break;
                        }
                    }
                    if let Some(body) = chosen {
                        self.nodes(body, name, env, yields, used, has_layout, out)?;
                    }
                }
                N::For(names, list, body) => {
                    for bound in turns(names, &eval::eval(list, env)?)? {
                        env.push(bound);
                        self.nodes(body, name, env, yields, used, has_layout, out)?;
                        env.pop();
                    }
                }
                N::Layout(layout, values) => {
                    let values =
                        values.as_ref().map_or(Ok(V::Undef), |expr| eval::eval(expr, env))?;
                    used.layout = Some((layout.clone(), values));
                }
                N::Yield(block) => out.push_str(yields.get(block).map_or("", String::as_str)),
                N::Block(block, body) if has_layout => {
                    let mut text = String::new();
                    self.nodes(body, name, env, yields, used, has_layout, &mut text)?;
                    used.blocks.insert(block.clone(), text);
                }
                N::Block(_, body) => {
                    self.nodes(body, name, env, yields, used, has_layout, out)?;
                }
                N::Use(target, values) => {
                    let values =
                        values.as_ref().map_or(Ok(V::Undef), |expr| eval::eval(expr, env))?;
                    let mut inner = env.clone();
                    inner.push(props(&values));
                    let full = match target.strip_prefix("component:") {
                        Some(component) => format!("components/{component}"),
                        None => {
                            format!("{}{target}", &name[..name.rfind('/').map_or(0, |at| at + 1)])
                        }
                    };
                    out.push_str(&self.template(&full, inner, yields)?);
                }
            }
        }
        Ok(())
    }
}

fn props(values: &V) -> HashMap<String, V> {
    match values {
        V::Obj(entries) => entries.iter().cloned().collect(),
        _ => HashMap::new(),
    }
}

/// The names that each turn of a loop binds.
fn turns(names: &[String], list: &V) -> Result<Vec<HashMap<String, V>>, String> {
    let bind = |key: String, value: &V| match names {
        [item] => HashMap::from([(item.clone(), value.clone())]),
        [first, second] => {
            let mut bound = HashMap::from([(first.clone(), V::Str(key))]);
            bound.insert(second.clone(), value.clone());
            bound
        }
        _ => HashMap::new(),
    };
    match list {
        V::List(items) => {
            Ok(items.iter().enumerate().map(|(at, item)| bind(at.to_string(), item)).collect())
        }
        V::Obj(entries) if names.len() == 2 => {
            Ok(entries.iter().map(|(key, value)| bind(key.clone(), value)).collect())
        }
        other if !other.truth() => Ok(Vec::new()),
        _ => Err("not iterable".into()),
    }
}
