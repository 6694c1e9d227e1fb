//! Lifetimes of parameter types: those that are left out become `'pipex`, that of the call.

use syn::token::Paren;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Lifetime, ParenthesizedGenericArguments, Type, TypeFnPtr, TypeImplTrait, TypeParamBound, TypeParen, TypeReference,
    parse_quote,
};

/// The type with each lifetime written out. An `impl Trait` also says that it can go to where the task runs.
pub fn write_out_lifetimes(ty: &Type) -> Type {
    let mut ty = ty.clone();
    WriteOut.visit_type_mut(&mut ty);
    ty
}

struct WriteOut;

impl VisitMut for WriteOut {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = Lifetime::new("'pipex", lifetime.span());
        }
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        let span = reference.and_token.span;
        reference.lifetime.get_or_insert_with(|| Lifetime::new("'pipex", span));
        visit_mut::visit_type_reference_mut(self, reference);
        if let Type::ImplTrait(shared) = &mut *reference.elem {
            shared.bounds.push(parse_quote!(::core::marker::Sync));
            let elem = reference.elem.clone();
            *reference.elem = Type::Paren(TypeParen { attrs: Vec::new(), paren_token: Paren::default(), elem });
        }
    }

    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        visit_mut::visit_type_impl_trait_mut(self, ty);
        if !ty.bounds.iter().any(|bound| matches!(bound, TypeParamBound::Lifetime(_))) {
            ty.bounds.push(parse_quote!('pipex));
        }
        ty.bounds.push(parse_quote!(::core::marker::Send));
    }

    // Lifetimes that are left out here belong to the function type.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
}

/// Whether there is an `impl Trait` anywhere in the type.
pub fn has_impl_trait(ty: &Type) -> bool {
    struct FindImplTrait(bool);
    impl VisitMut for FindImplTrait {
        fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut find = FindImplTrait(false);
    find.visit_type_mut(&mut ty.clone());
    find.0
}

/// A reference in the type, or a lifetime other than `'static`: what makes a value not owned. Function types have none.
pub fn find_borrow(ty: &Type) -> Option<proc_macro2::TokenStream> {
    struct FindBorrow(Option<proc_macro2::TokenStream>);
    impl VisitMut for FindBorrow {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            self.0.get_or_insert_with(|| quote::quote!(#reference));
        }
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident != "static" {
                self.0.get_or_insert_with(|| quote::quote!(#lifetime));
            }
        }
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
    }
    let mut find = FindBorrow(None);
    find.visit_type_mut(&mut ty.clone());
    find.0
}

/// The `&mut` in the type, if there is one.
pub fn find_mutable_borrow(ty: &Type) -> Option<TypeReference> {
    struct FindMutableBorrow(Option<TypeReference>);
    impl VisitMut for FindMutableBorrow {
        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            if reference.mutability.is_some() {
                self.0.get_or_insert_with(|| reference.clone());
            }
            visit_mut::visit_type_reference_mut(self, reference);
        }
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
    }
    let mut find = FindMutableBorrow(None);
    find.visit_type_mut(&mut ty.clone());
    find.0
}
