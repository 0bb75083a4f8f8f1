//! The one binary: arguments to exit status.

fn main() -> std::process::ExitCode {
    beffroi::cli::main()
}
