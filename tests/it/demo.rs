//! `beffroi demo` as who tries it meets it: what it prints leads to what it says.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::kit::{Client, basic};
use super::meetings::{copy, line, text};

/// A demonstration under way, which ends with this.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A person of the demonstration, by the line that names them and their password.
fn client(lines: &[String], name: &str) -> Client {
    let ready = lines.last().and_then(|line| line.strip_prefix("ready: http://")).expect("ready");
    let line = lines.iter().find(|line| line.trim_start().starts_with(&format!("{name} "))).expect("a person");
    let password = line.split_whitespace().nth(1).expect("a password");
    Client { address: ready.trim_end_matches('/').parse().unwrap(), authorization: Some(basic(name, password)) }
}

#[tokio::test]
async fn a_meeting_has_a_room_and_answers_and_an_invitation_by_mail() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_beffroi"));
    demo.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data")).env("LANG", "C.UTF-8");
    let mut demo = Demo(demo.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = Vec::new();
    for line in BufReader::new(demo.0.stdout.take().unwrap()).lines() {
        lines.push(line.unwrap());
        if lines.last().is_some_and(|line| line.starts_with("ready: ")) {
            break;
        }
    }
    let alice = client(&lines, "alice");
    let (_, meeting) =
        copy(&alice, "/calendars/tramway/meetings/", "revue-de-chantier@tramway").await.expect("a meeting");
    for (name, answer) in
        [("bruno", "ACCEPTED"), ("chloe", "TENTATIVE"), ("david", "DECLINED"), ("salle-du-conseil", "ACCEPTED")]
    {
        assert!(line(&meeting, name).contains(&format!("PARTSTAT={answer}")), "{meeting}");
    }
    let organizer = meeting.lines().find(|line| line.starts_with("ORGANIZER")).expect("one");
    assert!(organizer.contains("tramway+") && organizer.ends_with("@agenda.ville.example"), "{organizer}");
    // Who was invited has it, and so has the room.
    let bruno = client(&lines, "bruno");
    let (_, copied) = copy(&bruno, "/calendars/bruno/personal/", "revue-de-chantier@tramway").await.expect("a copy");
    assert!(line(&copied, "salle-du-conseil").contains("PARTSTAT=ACCEPTED"), "{copied}");
    let (_, series) =
        copy(&alice, "/calendars/quartiers/meetings/", "preparation-du-conseil@quartiers").await.expect("a series");
    assert!(line(&series, "salle-du-conseil").contains("PARTSTAT=ACCEPTED"), "{series}");
    // The mail for who has no account lies in the folder that is named.
    let mail = folder.path().join("data/mail");
    assert!(lines.iter().any(|line| line.contains(&mail.display().to_string())), "{lines:?}");
    let mut found = String::new();
    for _ in 0..300 {
        let mut mails = std::fs::read_dir(&mail).unwrap().map(|entry| entry.unwrap().path());
        let hers = mails.find(|mail| mail.to_string_lossy().contains("jeanne.petit@"));
        if let Some(hers) = hers.filter(|hers| std::fs::metadata(hers).unwrap().len() > 0) {
            assert!(hers.to_string_lossy().ends_with(".eml"), "{hers:?}");
            found = std::fs::read_to_string(hers).unwrap();
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for part in ["jeanne.petit@atelier.example", "method=REQUEST", "Message-ID: "] {
        assert!(found.contains(part), "{part}: {found}");
    }
    let stored = alice.get("/calendars/tramway/meetings/revue-de-chantier.ics").expect(200).await;
    assert!(line(&text(&stored), "jeanne.petit").contains("SCHEDULE-STATUS=1."), "{}", text(&stored));
}
