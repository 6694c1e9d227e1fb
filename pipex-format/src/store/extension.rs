//! What the end of a target's name says of how its value is written.

/// How a value is written, by the end of its target's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// None, `.bin`, and any that stands nowhere here, which may be part of a name.
    Bincode,
    /// A document.
    Json,
    /// Rows under a header.
    Csv,
    /// A document a line. Texts and bytes are written as they are.
    JsonLines,
    /// A table. Texts and bytes are written as they are.
    Toml,
    /// A document. Texts and bytes are written as they are.
    Yaml,
    /// Field names with their values, in binary. Bytes are written as they are.
    MessagePack,
    /// A table, in Arrow's file format. Bytes are written as they are.
    Arrow,
    /// A table. Bytes are written as they are.
    Parquet,
    /// Only texts and bytes are written, as they are.
    Text,
    /// Other programs' own: only bytes are written, as they are.
    Foreign,
}

impl Extension {
    /// Of a target, whether or not it ends in `.zst` as well.
    #[must_use]
    pub const fn find(name: &str) -> Self {
        let mut name = name.as_bytes();
        if let [rest @ .., b'.', b'z', b's', b't'] = name {
            name = rest;
        }
        let mut start = name.len();
        while start > 0 && !matches!(name[start - 1], b'.' | b'/') {
            start -= 1;
        }
        if start == 0 || name[start - 1] == b'/' {
            return Extension::Bincode;
        }
        match name.split_at(start).1 {
            b"json" => Extension::Json,
            b"csv" => Extension::Csv,
            b"jsonl" | b"ndjson" => Extension::JsonLines,
            b"toml" => Extension::Toml,
            b"yaml" | b"yml" => Extension::Yaml,
            b"msgpack" | b"mpk" => Extension::MessagePack,
            b"arrow" | b"feather" => Extension::Arrow,
            b"parquet" => Extension::Parquet,
            // For people.
            b"txt" | b"text" | b"log" | b"md" | b"markdown" | b"rst" | b"adoc" | b"tex" | b"bib" => Extension::Text,
            b"html" | b"htm" | b"xhtml" | b"xml" | b"svg" | b"css" | b"ini" | b"cfg" | b"conf" => Extension::Text,
            // Data whose programs read text.
            b"tsv" | b"geojson" | b"gpx" | b"kml" | b"ipynb" | b"dot" | b"gv" | b"mmd" | b"puml" => Extension::Text,
            b"fasta" | b"fastq" | b"gff" | b"gtf" | b"vcf" | b"bed" | b"sam" | b"nwk" | b"pdb" => Extension::Text,
            // Programs.
            b"js" | b"mjs" | b"ts" | b"py" | b"sh" | b"bash" | b"sql" | b"rs" => Extension::Text,
            // Tables and arrays.
            b"orc" | b"avro" | b"npy" | b"npz" | b"h5" | b"hdf5" | b"nc" | b"zarr" | b"fits" => Extension::Foreign,
            b"pkl" | b"pickle" | b"joblib" | b"rds" | b"rda" | b"RData" | b"mat" | b"sav" | b"dta" | b"sas7bdat" => {
                Extension::Foreign
            }
            b"sqlite" | b"sqlite3" | b"db" | b"duckdb" | b"gpkg" | b"shp" | b"bam" | b"cram" | b"bcf" => {
                Extension::Foreign
            }
            b"onnx" | b"pt" | b"pth" | b"safetensors" | b"gguf" | b"cbor" | b"bson" => Extension::Foreign,
            // Documents, pictures, sounds.
            b"pdf" | b"xlsx" | b"xls" | b"ods" | b"docx" | b"odt" | b"pptx" | b"epub" => Extension::Foreign,
            b"png" | b"jpg" | b"jpeg" | b"gif" | b"webp" | b"bmp" | b"tif" | b"tiff" | b"ico" | b"avif" | b"heic" => {
                Extension::Foreign
            }
            b"mp3" | b"wav" | b"flac" | b"ogg" | b"mp4" | b"mkv" | b"webm" | b"mov" | b"avi" => Extension::Foreign,
            // Archives.
            b"zip" | b"gz" | b"tgz" | b"tar" | b"bz2" | b"xz" | b"7z" | b"rar" | b"lz4" => Extension::Foreign,
            _ => Extension::Bincode,
        }
    }

    /// Whether texts are written as they are.
    pub(super) const fn takes_text(self) -> bool {
        matches!(self, Extension::Text | Extension::JsonLines | Extension::Toml | Extension::Yaml)
    }

    /// Whether bytes are written as they are.
    pub(super) const fn takes_bytes(self) -> bool {
        use Extension::{Arrow, Foreign, MessagePack, Parquet};
        self.takes_text() || matches!(self, MessagePack | Arrow | Parquet | Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::Extension;

    #[test]
    fn only_what_stands_behind_the_last_dot_counts() {
        for (name, extension) in [
            ("out/x", Extension::Bincode),
            ("out/EWR.v1.2", Extension::Bincode),
            ("out/x.bin", Extension::Bincode),
            ("out.json/x", Extension::Bincode),
            ("json", Extension::Bincode),
            ("x.", Extension::Bincode),
            ("", Extension::Bincode),
            ("x.zst", Extension::Bincode),
            ("x.json", Extension::Json),
            ("x.txt.csv", Extension::Csv),
            ("x.csv.zst", Extension::Csv),
            ("out/notes.md", Extension::Text),
            ("out/notes.md.zst", Extension::Text),
            (".png", Extension::Foreign),
            ("x.tar.gz", Extension::Foreign),
            ("x.yml", Extension::Yaml),
            ("x.feather", Extension::Arrow),
            ("x.parquet.zst", Extension::Parquet),
        ] {
            assert_eq!(Extension::find(name), extension, "{name}");
        }
        const { assert!(matches!(Extension::find(".toml"), Extension::Toml)) }
    }
}
