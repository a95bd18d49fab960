use crate::Render;
use askama::Template;

pub(crate) fn render(page: impl Template + 'static) -> Render {
    Box::new(move || page.render().expect("the template renders"))
}
