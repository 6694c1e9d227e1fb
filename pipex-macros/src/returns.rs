//! Whether a function returns a `Result`. A name may stand for anything, so the compiler is asked where it can be.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};
use syn::{GenericParam, ItemFn, Lifetime, Path, Type, TypePath, TypeReference};

use crate::lifetimes;

/// What tells whether a function returns a `Result`.
pub enum Returns {
    /// The type: the signature asks the compiler what it is.
    AsTyped,
    /// Its name, which is `Result`.
    Result,
    /// Its name, which is another.
    Value,
}

/// Names of types that nobody gives to an alias of a `Result`. In signatures they stay as they are, which is easier to read.
const VALUES: [&str; 28] = [
    "bool", "char", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize", "f32",
    "f64", "String", "Vec", "Option", "Box", "Arc", "Rc", "PathBuf", "HashMap", "HashSet", "BTreeMap", "BTreeSet",
    "VecDeque",
];

impl Returns {
    pub fn classify(output: &Type, item: &ItemFn) -> Self {
        let can_be_asked = !may_name_generics(output, item);
        match strip_parentheses(output) {
            Type::Path(ty) if is_value(ty) => Returns::Value,
            Type::Path(_) | Type::Macro(_) if can_be_asked => Returns::AsTyped,
            Type::Path(ty) if is_called_result(&ty.path) => Returns::Result,
            _ => Returns::Value,
        }
    }

    /// Whether the function cannot fail, whatever the compiler says.
    pub fn is_value(&self) -> bool {
        matches!(self, Returns::Value)
    }
}

/// Whether the compiler knows the type where the function stands: it names no generic parameters.
pub fn is_concrete(output: &Type, item: &ItemFn) -> bool {
    !may_name_generics(output, item) || names_only_values(output.to_token_stream())
}

fn names_only_values(tokens: TokenStream) -> bool {
    tokens.into_iter().all(|token| match token {
        TokenTree::Ident(name) => {
            let name = name.to_string();
            name.starts_with(|first: char| first.is_ascii_lowercase())
                || ["Result", "Error"].iter().chain(&VALUES).any(|known| name == *known)
        }
        TokenTree::Group(group) => names_only_values(group.stream()),
        _ => true,
    })
}

/// The type without parentheses.
pub fn strip_parentheses(ty: &Type) -> &Type {
    match ty {
        Type::Paren(paren) => strip_parentheses(&paren.elem),
        Type::Group(group) => strip_parentheses(&group.elem),
        ty => ty,
    }
}

pub fn is_called_result(path: &Path) -> bool {
    is_called(path, "Result")
}

/// Whether this is the last name of the path.
pub fn is_called(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

fn is_value(ty: &TypePath) -> bool {
    let (Some(first), Some(last)) = (ty.path.segments.first(), ty.path.segments.last()) else { return false };
    let is_std = ty.path.segments.len() == 1 || ["std", "core", "alloc"].iter().any(|name| first.ident == name);
    ty.qself.is_none() && is_std && VALUES.iter().any(|name| last.ident == name)
}

/// Whether the type may name generic parameters, and be nothing that the compiler can be asked about in a signature. Those of an
/// `impl` around the function cannot be seen: `self`, `Self` and single letters tell of them.
fn may_name_generics(output: &Type, item: &ItemFn) -> bool {
    struct FindGenerics(bool);
    impl VisitMut for FindGenerics {
        fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
            self.0 |= ty.path.get_ident().is_some_and(|name| {
                let name = name.to_string();
                name.len() == 1 && name.starts_with(|letter: char| letter.is_ascii_uppercase())
            });
            visit_mut::visit_type_path_mut(self, ty);
        }
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            self.0 |= reference.lifetime.is_none();
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            self.0 |= lifetime.ident != "static";
        }
    }
    let is_generic = |parameter: &GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
    if item.sig.generics.params.iter().any(is_generic)
        || item.sig.receiver().is_some()
        || names_self(item.to_token_stream())
        || lifetimes::has_impl_trait(output)
    {
        return true;
    }
    let mut find = FindGenerics(false);
    find.visit_type_mut(&mut output.clone());
    find.0
}

fn names_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => name == "Self",
        TokenTree::Group(group) => names_self(group.stream()),
        _ => false,
    })
}
