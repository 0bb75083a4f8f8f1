//! HTTP Digest (RFC 7616): what a client shows of a password without sending it, and what it must be.

use md5::Md5;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::password::spellings;

/// Shown in the log-in dialogue; passwords are hashed with it.
pub const REALM: &str = "Beffroi";
/// The one quality of protection: the head of the request, not its body.
pub const QOP: &str = "auth";

/// What hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DigestAlgorithm {
    /// Of passwords with 160 random bits it keeps all that an attacker has not got.
    Md5,
    /// SHA-256.
    Sha256,
}

/// Each algorithm with its name, in the order in which they are offered. Old curl and Windows take the first, and know
/// MD5 alone; others take the strongest.
pub const ALGORITHMS: [(DigestAlgorithm, &str); 2] =
    [(DigestAlgorithm::Md5, "MD5"), (DigestAlgorithm::Sha256, "SHA-256")];

impl DigestAlgorithm {
    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ALGORITHMS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(algorithm, _)| *algorithm)
    }

    /// The hash of parts with colons between them, hexadecimal.
    fn hash(self, parts: &[&[u8]]) -> String {
        let joined = parts.join(&b':');
        match self {
            Self::Md5 => hex::encode(Md5::digest(joined)),
            Self::Sha256 => hex::encode(Sha256::digest(joined)),
        }
    }
}

/// What a client shows in answer to a challenge: `username`, `uri`, ... of RFC 7616 section 3.4.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DigestCredentials {
    /// Whom the user name means, without a Windows domain.
    pub login: String,
    /// What the client may have hashed as user name: some escape the backslash after a domain, some do not.
    pub usernames: Vec<Vec<u8>>,
    /// How it hashed.
    pub algorithm: DigestAlgorithm,
    /// Our nonce.
    pub nonce: String,
    /// The address that it asks, as it spells that.
    pub uri: Vec<u8>,
    /// Its own nonce.
    pub cnonce: String,
    /// How often it has used our nonce, hexadecimal.
    pub count: String,
    /// What proves the password, hexadecimal.
    pub response: String,
}

/// That a password was shown: the hash with which each side proves that it knows it.
pub struct DigestProof(String);

impl DigestCredentials {
    /// Was this shown by someone who knows a device password, given by its characters? Each way to write the password
    /// is tried that a person may have typed.
    #[must_use]
    pub fn proof(&self, method: &str, letters: &str) -> Option<DigestProof> {
        let subject = self.algorithm.hash(&[method.as_bytes(), &self.uri]);
        let passwords = spellings(letters);
        let known = self.usernames.iter().flat_map(|username| {
            let secret = |password: &String| self.algorithm.hash(&[username, REALM.as_bytes(), password.as_bytes()]);
            passwords.iter().map(secret)
        });
        let mut proofs = known.filter(|secret| {
            let response = self.response_of(secret, &subject);
            bool::from(response.as_bytes().ct_eq(self.response.as_bytes()))
        });
        proofs.next().map(DigestProof)
    }

    /// `rspauth`: shows the client that we know the password, too (RFC 7616 section 3.5).
    #[must_use]
    pub fn answer(&self, proof: &DigestProof) -> String {
        self.response_of(&proof.0, &self.algorithm.hash(&[b"", &self.uri]))
    }

    fn response_of(&self, secret: &str, subject: &str) -> String {
        let parts = [secret, &self.nonce, &self.count, &self.cnonce, QOP, subject];
        self.algorithm.hash(&parts.map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{DigestAlgorithm, DigestCredentials};

    const LETTERS: &str = "abcdefghijkmnpqrstuvwxyz23456789";

    /// What a client of its own making computes: by the formula of RFC 7616 section 3.4.1, step by step.
    fn shown(algorithm: DigestAlgorithm, password: &str) -> DigestCredentials {
        let secret = algorithm.hash(&[b"MAIRIE\\max", b"Beffroi", password.as_bytes()]);
        let subject = algorithm.hash(&[b"PUT", b"/files/a, b"]);
        let of = [secret.as_str(), "n", "0000000a", "c", "auth", &subject].map(str::as_bytes);
        DigestCredentials {
            login: "max".to_owned(),
            usernames: vec![b"MAIRIEmax".to_vec(), b"MAIRIE\\max".to_vec()],
            algorithm,
            nonce: "n".to_owned(),
            uri: b"/files/a, b".to_vec(),
            cnonce: "c".to_owned(),
            count: "0000000a".to_owned(),
            response: algorithm.hash(&of),
        }
    }

    /// The values of RFC 7616 section 3.9.1, which has a realm of its own.
    #[test]
    fn the_example_of_the_standard() {
        for (algorithm, response) in [
            (DigestAlgorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (DigestAlgorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let secret = algorithm.hash(&[b"Mufasa", b"http-auth@example.org", b"Circle of Life"]);
            let subject = algorithm.hash(&[b"GET", b"/dir/index.html"]);
            let credentials = DigestCredentials {
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".to_owned(),
                cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ".to_owned(),
                count: "00000001".to_owned(),
                ..shown(algorithm, "")
            };
            assert_eq!(credentials.response_of(&secret, &subject), response);
        }
    }

    #[test]
    fn a_password_is_shown_however_it_was_typed() {
        for algorithm in [DigestAlgorithm::Md5, DigestAlgorithm::Sha256] {
            for password in
                ["abcd-efgh-ijkm-npqr-stuv-wxyz-2345-6789", "abcd efgh ijkm npqr stuv wxyz 2345 6789", LETTERS]
            {
                let credentials = shown(algorithm, password);
                let proof = credentials.proof("PUT", LETTERS).expect(password);
                assert_ne!(credentials.answer(&proof), credentials.response);
                assert!(credentials.proof("GET", LETTERS).is_none());
                assert!(credentials.proof("PUT", &LETTERS.replace('a', "b")).is_none());
                for other in [
                    DigestCredentials { count: "0000000b".to_owned(), ..credentials.clone() },
                    DigestCredentials { nonce: "m".to_owned(), ..credentials.clone() },
                    DigestCredentials { uri: b"/files/a".to_vec(), ..credentials.clone() },
                    DigestCredentials { usernames: vec![b"max".to_vec()], ..credentials.clone() },
                    DigestCredentials { response: String::new(), ..credentials.clone() },
                ] {
                    assert!(other.proof("PUT", LETTERS).is_none());
                }
            }
        }
    }
}
