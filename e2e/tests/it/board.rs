//! What people do on the board.

use crate::Site;

#[test]
fn pins_a_note_that_stays() {
    let site = Site::start();
    site.open("/");
    assert!(site.browser.find(".empty").text().starts_with("Nothing here yet"));
    site.pin("Lunch at noon", "Ada", "green");
    site.wait_for_count(1);
    assert_eq!(site.browser.find(".note.green .text").text(), "Lunch at noon");
    assert_eq!(site.browser.find(".note .author").text(), "Ada");
    assert_eq!(site.browser.find("#status").text(), "Note pinned.");
    site.keep("pinned");
    site.browser.reload();
    site.wait_for_count(1);
    assert_eq!(site.browser.find(".note.green .text").text(), "Lunch at noon");
    assert_eq!(site.browser.complaints(), Vec::<String>::new());
}

#[test]
fn shows_the_newest_note_first() {
    let site = Site::start();
    site.post("older", "Ada", "blue");
    site.open("/");
    site.pin("newer", "Grace", "pink");
    site.wait_for_count(2);
    assert_eq!(site.browser.find(".note:first-child .text").text(), "newer");
    site.browser.reload();
    assert_eq!(site.browser.find(".note:first-child .text").text(), "newer");
}

#[test]
fn edits_a_note() {
    let site = Site::start();
    site.post("Lunch at noon", "Ada", "yellow");
    site.open("/");
    site.browser.find(".note .edit").click();
    let field = site.browser.find(".note textarea");
    field.clear();
    field.write("Lunch at one");
    site.keep("editing");
    site.browser.find(".note form .primary").click();
    let _ = site.browser.find_path("//*[@id='status'][text()='Note saved.']");
    assert_eq!(site.browser.find(".note .text").text(), "Lunch at one");
    site.browser.reload();
    assert_eq!(site.browser.find(".note.yellow .text").text(), "Lunch at one");
}

#[test]
fn deletes_a_note_and_brings_it_back() {
    let site = Site::start();
    site.post("Lunch at noon", "Ada", "yellow");
    site.open("/");
    site.browser.find(".note .delete").click();
    site.wait_for_count(0);
    site.keep("deleted");
    site.browser.find("#status button").click();
    site.wait_for_count(1);
    assert_eq!(site.browser.find(".note.yellow .text").text(), "Lunch at noon");
    site.browser.find(".note .delete").click();
    site.wait_for_count(0);
    site.browser.reload();
    site.wait_for_count(0);
}

#[test]
fn says_what_the_server_refuses() {
    let site = Site::start();
    site.open("/");
    site.pin("   ", "Ada", "yellow");
    let _ = site.browser.find_path("//*[@id='problem'][text()='Please write something.']");
    site.keep("refused");
    site.wait_for_count(0);
}

#[test]
fn markup_in_a_note_stays_text() {
    let site = Site::start();
    site.open("/");
    site.pin("<img src=x> & <b>bold</b>", "<i>Ada</i>", "yellow");
    site.wait_for_count(1);
    for _ in 0..2 {
        assert_eq!(site.browser.find(".note .text").text(), "<img src=x> & <b>bold</b>");
        assert_eq!(site.browser.find(".note .author").text(), "<i>Ada</i>");
        site.browser.reload();
    }
}

#[test]
fn works_without_scripts() {
    let site = Site::start();
    site.browser.disable_scripts();
    site.open("/");
    site.pin("Tea at five", "Grace", "pink");
    let note = site.browser.find(".note.pink .text");
    assert_eq!(note.text(), "Tea at five");
    site.keep("without-scripts");
    assert_eq!(site.browser.find("#count").text(), "1");
    assert!(site.browser.find(".note time").text().ends_with(" UTC"));
    assert_eq!(site.browser.find(".note .edit").text(), "", "what would do nothing is not shown");
    assert_eq!(site.browser.url(), site.url("/"));
}

#[test]
fn the_about_page_lists_the_routes() {
    let site = Site::start();
    site.open("/");
    site.browser.find("nav a[href='/about']").click();
    let _ = site.browser.find_path("//td[text()='/api/notes/:id']");
    let rows = site.browser.run("return document.querySelectorAll('tbody tr').length");
    assert_eq!(rows, 10);
    assert_eq!(site.browser.find(".facts dt").text(), "Shikra");
    assert_eq!(site.browser.complaints(), Vec::<String>::new());
}

#[test]
fn an_unknown_page_leads_back_to_the_board() {
    let site = Site::start();
    site.open("/nowhere");
    site.browser.find(".lost a.primary").click();
    let _ = site.browser.find("#compose");
    assert_eq!(site.browser.url(), site.url("/"));
}
