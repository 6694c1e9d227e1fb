//! A store of one's own: images as PNG, with no serde in sight. `PIPEX=cache cargo run --release --example custom_store`.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};

use pipex::store::{Claim, StoreResult};
use pipex::{Location, Output, Store, flow, task};

/// Shades of grey, row by row.
#[derive(Clone)]
struct Image {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

struct Png;

impl Store<Image> for Png {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(target.path().try_exists()?)
    }

    fn load(&self, target: &Location) -> StoreResult<Image> {
        let mut reader = png::Decoder::new(BufReader::new(File::open(target.path())?)).read_info()?;
        let mut pixels = vec![0; reader.output_buffer_size().ok_or("an image larger than memory")?];
        let info = reader.next_frame(&mut pixels)?;
        if (info.color_type, info.bit_depth) != (png::ColorType::Grayscale, png::BitDepth::Eight) {
            return Err("not shades of grey, a byte each: somebody else's image".into());
        }
        Ok(Image { width: info.width, height: info.height, pixels })
    }

    fn save(&self, mut claim: Claim, image: &Image) -> StoreResult<u64> {
        let mut out = BufWriter::new(claim.file());
        let mut encoder = png::Encoder::new(&mut out, image.width, image.height);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&image.pixels)?;
        // What a drop would write, it would do without a word if the disk is full.
        writer.finish()?;
        out.flush()?;
        drop(out);
        Ok(claim.commit()?)
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        Ok(fs::remove_file(target.path())?)
    }
}

/// A tile of the Mandelbrot set, 256 pixels on a side.
#[task(target = "{path}/tile-{column}-{row}.png", store = Png)]
fn tile(column: u32, row: u32) -> Image {
    let shade = |pixel: u32| {
        let (x, y) = (256 * column + pixel % 256, 256 * row + pixel / 256);
        let (re, im) = (f64::from(x) / 340.0 - 2.25, f64::from(y) / 340.0 - 1.13);
        let (mut a, mut b, mut steps) = (0.0, 0.0, 0u8);
        while a * a + b * b < 4.0 && steps < 255 {
            (a, b) = (a * a - b * b + re, 2.0 * a * b + im);
            steps += 1;
        }
        255 - steps
    };
    println!("tile {column} {row}");
    Image { width: 256, height: 256, pixels: (0..256 * 256).map(shade).collect() }
}

/// Puts one tile into the picture.
fn place(picture: &mut Image, tile: &Image, column: u32, row: u32) {
    for (line, pixels) in (0..).zip(tile.pixels.chunks(256)) {
        let start = ((256 * row + line) * picture.width + 256 * column) as usize;
        picture.pixels[start..start + 256].copy_from_slice(pixels);
    }
}

#[task(target = "{path}/mandelbrot.png", store = Png)]
fn mosaic(tiles: &[Image]) -> Image {
    let mut picture = Image { width: 1024, height: 768, pixels: vec![0; 1024 * 768] };
    for (number, tile) in (0..).zip(tiles) {
        place(&mut picture, tile, number % 4, number / 4);
    }
    picture
}

#[flow(path = "out/custom_store")]
fn mandelbrot() -> pipex::Result<()> {
    let tiles: Vec<Output<Image>> = (0..12).map(|number| tile(number % 4, number / 4).lazy()).collect();
    mosaic(tiles).run()?;
    Ok(())
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    mandelbrot()?;
    println!("look at out/custom_store/mandelbrot.png");
    Ok(())
}
