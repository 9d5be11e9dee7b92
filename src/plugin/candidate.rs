//! [`Candidate`]: a library that was read and checked, and of which nothing has run yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::clock::Clock;
use crate::function::{Library, LibraryFacts};
use crate::hash::Hash;

use super::copy::PrivateCopy;
use super::descriptor::Description;
use super::dylib::{Dylib, Place};
use super::elf;
use super::error::LoadError;
use super::file;
use super::image::Image;
use super::loader::{self, Load};
use super::plugin::Plugin;
use super::system::SystemLibrary;

/// A library read and checked, not loaded.
pub(crate) struct Candidate(Kind);

enum Kind {
    Plugin(PluginFile),
    System { name: String, symbols: Vec<String> },
}

/// What a plugin's file held.
struct PluginFile {
    path: PathBuf,
    bytes: Vec<u8>,
    hash: Hash,
    export: Option<String>,
}

impl Candidate {
    /// Reads a plugin's file and checks that it looks like a library of this machine. Of a C library nothing is read,
    /// only what is asked of it is checked.
    ///
    /// # Blocking
    ///
    /// As long as reading the file takes.
    pub(crate) fn read(dylib: &Dylib) -> Result<Self, LoadError> {
        match &dylib.place {
            Place::Path(path) if path.as_os_str().is_empty() => Err(LoadError::EmptyPath),
            Place::Path(path) if !dylib.symbols.is_empty() => {
                Err(LoadError::SymbolsOfPlugin { path: path.clone() })
            }
            Place::Path(path) => {
                let bytes = file::read(path)?;
                elf::check(&bytes, path)?;
                let (hash, export) = (Hash::of_bytes(&bytes), dylib.export.clone());
                Ok(Self(Kind::Plugin(PluginFile { path: path.clone(), bytes, hash, export })))
            }
            Place::Name(name) => Self::named(name, dylib),
        }
    }

    fn named(name: &str, dylib: &Dylib) -> Result<Self, LoadError> {
        let is_bad = |name: &str| name.is_empty() || name.contains('\0');
        let (name, symbols) = (name.to_owned(), dylib.symbols.clone());
        match symbols.iter().find(|symbol| is_bad(symbol)) {
            _ if is_bad(&name) => Err(LoadError::BadName { name }),
            _ if dylib.export.is_some() => Err(LoadError::ExportOfSystem { name }),
            _ if symbols.is_empty() => Err(LoadError::NothingListed { name }),
            Some(symbol) => Err(LoadError::NoSymbol { name, symbol: symbol.clone() }),
            None => Ok(Self(Kind::System { name, symbols })),
        }
    }

    /// Whether `facts` are of the very same bytes, path and entry: then a redefinition changes nothing. Never true for a
    /// C library, whose bytes are not looked at.
    pub(crate) fn is_same_as(&self, facts: &LibraryFacts) -> bool {
        match &self.0 {
            Kind::Plugin(file) => {
                facts.hash == Some(file.hash) && facts.origin == file.origin() && facts.entry == file.export
            }
            Kind::System { .. } => false,
        }
    }

    /// Loads it on the process's loader thread; waits for that at most `until` (none: without an end).
    pub(crate) fn load(self, clock: &Clock, until: Option<Instant>) -> Result<Arc<dyn Library>, LoadError> {
        let loader = loader::of_process()?;
        let (library, work): (String, Load) = match self.0 {
            Kind::Plugin(file) => (file.origin(), Box::new(|| file.load())),
            Kind::System { name, symbols } => (name.clone(), Box::new(|| load_system(name, symbols))),
        };
        loader.load(library, work, clock, until)
    }
}

impl PluginFile {
    /// The path as it is shown.
    fn origin(&self) -> String {
        self.path.display().to_string()
    }

    fn load(self) -> Result<Arc<dyn Library>, LoadError> {
        let origin = self.origin();
        let image = open_copy(&self.path, &self.bytes, self.hash)?;
        let description = Description::of(&image, &self.path)?;
        if let Some(name) = &self.export
            && !description.has(name)
        {
            return Err(LoadError::NoExport {
                path: self.path,
                name: name.clone(),
                known: description.known(),
            });
        }
        let facts = LibraryFacts {
            origin,
            hash: Some(self.hash),
            entry: self.export,
            plugin: Some((description.name.clone(), description.version.clone())),
            functions: description.signatures(),
            symbols: Vec::new(),
        };
        Ok(Arc::new(Plugin::new(description, facts)))
    }
}

/// Opens a private copy, which is gone when this returns. The mapping keeps the copy's inode, so that no later copy gets
/// its number, by which the system's loader would take the one for the other.
fn open_copy(path: &Path, bytes: &[u8], hash: Hash) -> Result<Image, LoadError> {
    let copy = PrivateCopy::write(path, bytes, hash)?;
    Image::open(copy.path().as_os_str()).map_err(|words| {
        // The loader speaks of the copy, whose path tells nobody anything.
        let reason = words.replace(&*copy.path().to_string_lossy(), &path.to_string_lossy());
        LoadError::Refused { path: path.to_owned(), reason }
    })
}

fn load_system(name: String, symbols: Vec<String>) -> Result<Arc<dyn Library>, LoadError> {
    let image = match Image::open(name.as_ref()) {
        Ok(image) => image,
        Err(reason) => return Err(LoadError::NotFound { name, reason }),
    };
    let mut addresses = Vec::with_capacity(symbols.len());
    for symbol in &symbols {
        match image.address(symbol) {
            Some(address) => addresses.push((symbol.clone(), address)),
            None => return Err(LoadError::NoSymbol { name, symbol: symbol.clone() }),
        }
    }
    let facts = LibraryFacts { origin: name, symbols, ..LibraryFacts::default() };
    Ok(Arc::new(SystemLibrary::new(addresses, facts)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::function::ForeignError;
    use crate::plugin::copy::PrivateDirectory;
    use crate::plugin::elf::tests::minimal;
    use crate::plugin::image::mapped_library;

    fn load(dylib: &Dylib) -> Result<Arc<dyn Library>, LoadError> {
        Candidate::read(dylib)?.load(&Clock::system(), None)
    }

    fn told(dylib: &Dylib) -> String {
        load(dylib).err().expect("it is wrong").to_string()
    }

    #[test]
    fn a_library_of_the_system_is_loaded_with_its_listed_symbols() {
        let loaded = load(&Dylib::system("libm.so.6").symbols(["sin", "cos"])).expect("it is everywhere");
        let facts = loaded.facts();
        assert_eq!((facts.origin.as_str(), facts.hash), ("libm.so.6", None));
        assert_eq!(facts.symbols, ["sin", "cos"]);
        let instance = loaded.instantiate().expect("nothing runs");
        assert!(!instance.is_spent(), "nothing of it runs that could panic");
        let address = |name| instance.symbol(name).unwrap_or_else(|_| panic!("{name} is listed"));
        assert_ne!(address("sin"), address("cos"));
        assert!(
            matches!(instance.symbol("tan"), Err(ForeignError::NoFunction { known }) if known == ["cos", "sin"])
        );
        assert!(matches!(instance.call(Some("cos"), &[]), Err(ForeignError::WrongKind { .. })));
    }

    #[test]
    fn what_a_system_does_not_have_is_named() {
        assert_eq!(
            told(&Dylib::system("libm.so.6").symbols(["cos", "kos"])),
            "`libm.so.6` has no symbol `kos`"
        );
        let said = told(&Dylib::system("libnowhere.so.77").symbols(["f"]));
        assert!(said.starts_with("the system's loader found no library `libnowhere.so.77`"), "{said}");
        assert!(said.ends_with("No such file or directory"), "{said}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_before_anything_is_read() {
        for (dylib, said) in [
            (Dylib::at(""), "the path of a plugin is empty"),
            (Dylib::at("a").symbols(["f"]), "`a` is a plugin: `symbols` is for C libraries"),
            (
                Dylib::system("").symbols(["f"]),
                "`` is no name of a library: it is empty or holds a zero byte",
            ),
            (
                Dylib::system("a\0b").symbols(["f"]),
                "`a\\0b` is no name of a library: it is empty or holds a zero byte",
            ),
            (Dylib::system("a").symbols(["f"]).export("f"), "`a` is a C library: `export` is for plugins"),
            (Dylib::system("a"), "no symbol of `a` is listed: say what is wanted with `symbols`"),
            (Dylib::system("a").symbols(["f", ""]), "`a` has no symbol ``"),
            (Dylib::system("a").symbols(["f\0"]), "`a` has no symbol `f\\0`"),
        ] {
            assert_eq!(Candidate::read(&dylib).err().expect("it is wrong").to_string(), said);
        }
    }

    #[test]
    fn a_library_that_is_no_plugin_is_loaded_from_its_copy_and_refused() {
        load(&Dylib::system("libm.so.6").symbols(["cos"])).expect("it is everywhere");
        let (path, _) = mapped_library("libm");
        let said = told(&Dylib::at(&path));
        assert_eq!(said, format!("`{}` is no plugin: it has no symbol `wpc_plugin`", path.display()));
    }

    #[test]
    fn the_loader_s_words_name_the_file_and_not_its_copy() {
        let directory = PrivateDirectory::make().expect("made");
        let path = directory.write("lib.so", &minimal()).expect("written");
        let said = told(&Dylib::at(&path));
        let start = format!("the system's loader refused `{0}`: {0}: ", path.display());
        assert!(said.starts_with(&start), "{said}");
    }

    #[test]
    fn a_file_is_the_same_by_path_bytes_and_entry() {
        let directory = PrivateDirectory::make().expect("made");
        let path = directory.write("lib.so", &minimal()).expect("written");
        let candidate = Candidate::read(&Dylib::at(&path).export("f")).expect("its header is right");
        let facts = LibraryFacts {
            origin: path.display().to_string(),
            hash: Some(Hash::of_bytes(&minimal())),
            entry: Some("f".to_owned()),
            ..LibraryFacts::default()
        };
        assert!(candidate.is_same_as(&facts));
        assert!(!candidate.is_same_as(&LibraryFacts { entry: None, ..facts.clone() }));
        assert!(!candidate.is_same_as(&LibraryFacts { hash: None, ..facts.clone() }));
        assert!(!candidate.is_same_as(&LibraryFacts { origin: "other".to_owned(), ..facts }));
        let system =
            Candidate::read(&Dylib::system("libm.so.6").symbols(["cos"])).expect("it is asked for rightly");
        let same = LibraryFacts {
            origin: "libm.so.6".to_owned(),
            symbols: vec!["cos".to_owned()],
            ..LibraryFacts::default()
        };
        assert!(!system.is_same_as(&same));
    }
}
