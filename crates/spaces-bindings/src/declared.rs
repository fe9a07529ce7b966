//! What this crate declares, as types: the wire format has no tags, so a client
//! whose declarations differ from the module reads garbage without noticing.

use std::any::TypeId;

use spacetimedb_sdk::__codegen::__lib::SpacetimeType;
use spacetimedb_sdk::__codegen::__sats::typespace::TypespaceBuilder;
use spacetimedb_sdk::__codegen::__sats::{AlgebraicType, ProductType};

/// Every declaration, with each type written out in full.
#[derive(Debug)]
pub struct Declared {
    pub tables: Vec<Shape>,
    pub views: Vec<Shape>,
    pub reducers: Vec<Shape>,
    /// Arguments and what is returned.
    pub procedures: Vec<(Shape, AlgebraicType)>,
}

/// A row's columns or a call's parameters.
#[derive(Debug, PartialEq)]
pub struct Shape {
    pub name: &'static str,
    pub columns: ProductType,
    /// The primary key, where the declaration relies on it.
    pub key: Option<&'static str>,
}

impl Declared {
    pub(crate) fn row<T: SpacetimeType>(name: &'static str, key: Option<&'static str>) -> Shape {
        let AlgebraicType::Product(columns) = Self::type_of::<T>() else {
            unreachable!("`wire!` declares a row as a record");
        };
        Shape { name, columns, key }
    }

    pub(crate) fn call<T: SpacetimeType>(name: &'static str) -> Shape {
        Self::row::<T>(name, None)
    }

    pub(crate) fn type_of<T: SpacetimeType>() -> AlgebraicType {
        T::make_type(&mut InPlace)
    }
}

/// Writes each named type out where it is used.
struct InPlace;

impl TypespaceBuilder for InPlace {
    fn add(
        &mut self,
        _: TypeId,
        _: Option<&'static str>,
        make: impl FnOnce(&mut Self) -> AlgebraicType,
    ) -> AlgebraicType {
        make(self)
    }
}
