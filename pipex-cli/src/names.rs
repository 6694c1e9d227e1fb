//! The names of targets: by their numbers, in their order, and the numbers of names.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;

/// One text for all, since there may be a million of them.
#[derive(Default)]
pub struct Names {
    text: String,
    /// Where each of them ends in the text.
    ends: Vec<usize>,
    /// Their numbers and one at places that follow from their hashes, 0 where none is, once somebody has looked for one. Half of
    /// the places at least are free.
    places: OnceLock<Vec<u32>>,
    hasher: RandomState,
    /// The numbers of the first, in the order of their names,
    first_sorted: Vec<u32>,
    /// and of all, once somebody has asked for them.
    sorted: OnceLock<Vec<u32>>,
}

impl Names {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn get(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[number]]
    }

    /// Adds one, whether it is there or not; its number.
    pub fn add(&mut self, name: &str) -> usize {
        let number = self.len();
        self.text.push_str(name);
        self.ends.push(self.text.len());
        if let Some(sorted) = self.sorted.take() {
            self.first_sorted = sorted;
        }
        if self.places.get().is_some_and(|places| 2 * self.len() > places.len()) {
            self.places.take();
        }
        if let Some(mut places) = self.places.take() {
            self.enter(&mut places, number);
            let _ = self.places.set(places);
        }
        number
    }

    /// The number of one with this name that is meant.
    pub fn find(&self, name: &str, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
        let places = self.places.get_or_init(|| {
            let mut places = vec![0; (2 * self.len() + 1).next_power_of_two()];
            (0..self.len()).for_each(|number| self.enter(&mut places, number));
            places
        });
        let mut place = self.first_place(places, name);
        loop {
            let number = places[place].checked_sub(1)? as usize;
            if self.get(number) == name && is_meant(number) {
                return Some(number);
            }
            place = (place + 1) % places.len();
        }
    }

    fn enter(&self, places: &mut [u32], number: usize) {
        let mut place = self.first_place(places, self.get(number));
        while places[place] > 0 {
            place = (place + 1) % places.len();
        }
        places[place] = number as u32 + 1;
    }

    /// Where a name is looked for first.
    fn first_place(&self, places: &[u32], name: &str) -> usize {
        self.hasher.hash_one(name) as usize % places.len()
    }

    /// Their numbers in the order of the names; of the same name, in theirs.
    pub fn sorted(&self) -> &[u32] {
        if self.first_sorted.len() == self.len() {
            return &self.first_sorted;
        }
        self.sorted.get_or_init(|| {
            let mut sorted = self.first_sorted.clone();
            sorted.extend(sorted.len() as u32..self.len() as u32);
            // What is sorted already takes it no time.
            sorted.sort_by(|one, other| self.get(*one as usize).cmp(self.get(*other as usize)));
            sorted
        })
    }

    /// That these are the numbers of all of them in the order of the names; whether they can be.
    pub fn set_sorted(&mut self, sorted: Vec<u32>) -> bool {
        let mut is_in = vec![false; self.len()];
        let is_new =
            |number: &u32| is_in.get_mut(*number as usize).is_some_and(|is_in| !std::mem::replace(is_in, true));
        let is_all = sorted.len() == self.len() && sorted.iter().all(is_new);
        if is_all {
            self.first_sorted = sorted;
        }
        is_all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_found_and_sorted_as_they_come() {
        let mut names = Names::default();
        for number in 0..5_000 {
            assert_eq!(names.find(&format!("name {number}"), |_| true), None);
            assert_eq!(names.add(&format!("name {number}")), number);
            if number % 1_000 == 999 {
                let sorted: Vec<&str> = names.sorted().iter().map(|number| names.get(*number as usize)).collect();
                assert!(sorted.len() == names.len() && sorted.is_sorted());
            }
        }
        assert_eq!(names.add("name 7"), 5_000);
        let found = |meant: usize| names.find("name 7", |number| number == meant);
        assert_eq!([found(7), found(5_000), found(8)], [Some(7), Some(5_000), None]);
        let sorted = names.sorted();
        let place = |number: u32| sorted.iter().position(|sorted| *sorted == number).unwrap();
        assert_eq!(place(7) + 1, place(5_000));
    }
}
