//! Every declaration against the schema of the compiled module, as the hub
//! serves it: names, order and types, in both directions.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use spaces_bindings::{Declared, Shape, declared};
use spaces_tests::Hub;
use spacetimedb_sdk::__codegen::__lib::db::raw_def::v9::{
    Lifecycle, RawMiscModuleExportV9, RawModuleDefV9, RawTableDefV9, TableAccess,
};
use spacetimedb_sdk::__codegen::__sats::de::serde::DeserializeWrapper;
use spacetimedb_sdk::__codegen::__sats::{AlgebraicType, ProductType};

fn schema(hub: &Hub) -> RawModuleDefV9 {
    let mut stream = TcpStream::connect(("127.0.0.1", hub.port())).unwrap();
    let request = "GET /v1/database/spaces/schema?version=9 HTTP/1.0\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200"), "{head}\n{body}");
    let DeserializeWrapper(schema) = serde_json::from_str(body).unwrap();
    schema
}

/// The hub writes variants in another case than the module's source. Their
/// words and their order must still be the same.
fn fold_case(r#type: &mut AlgebraicType) {
    match r#type {
        AlgebraicType::Sum(sum) => {
            for variant in &mut *sum.variants {
                let folded = variant.name.as_deref().unwrap_or_default().to_lowercase();
                variant.name = Some(folded.replace('_', "").into());
                fold_case(&mut variant.algebraic_type);
            }
        }
        AlgebraicType::Product(product) => {
            for element in &mut *product.elements {
                fold_case(&mut element.algebraic_type);
            }
        }
        AlgebraicType::Array(array) => fold_case(&mut array.elem_ty),
        _ => {}
    }
}

/// What the module has, with every type written out.
struct Module(RawModuleDefV9);

impl Module {
    fn written_out(&mut self, mut r#type: AlgebraicType) -> AlgebraicType {
        self.0
            .typespace
            .inline_typerefs_in_type(&mut r#type)
            .unwrap();
        r#type
    }

    fn columns(&mut self, r#type: AlgebraicType) -> ProductType {
        match self.written_out(r#type) {
            AlgebraicType::Product(columns) => columns,
            other => panic!("not a row: {other:?}"),
        }
    }

    fn tables(&mut self) -> BTreeMap<String, (ProductType, Option<String>)> {
        let public = |table: &RawTableDefV9| matches!(table.table_access, TableAccess::Public);
        let tables: Vec<_> = self
            .0
            .tables
            .iter()
            .filter(|table| public(table))
            .cloned()
            .collect();
        let shape = |table: RawTableDefV9| {
            let columns = self.columns(AlgebraicType::Ref(table.product_type_ref));
            let key = table.primary_key.as_singleton().map(|key| {
                columns.elements[usize::from(key.0)]
                    .name
                    .as_deref()
                    .unwrap()
                    .to_owned()
            });
            (table.name.to_string(), (columns, key))
        };
        tables.into_iter().map(shape).collect()
    }

    fn views(&mut self) -> BTreeMap<String, ProductType> {
        let exports = self.0.misc_exports.clone();
        let mut views = BTreeMap::new();
        for export in exports {
            if let RawMiscModuleExportV9::View(view) = export {
                let AlgebraicType::Array(rows) = view.return_type else {
                    panic!("{} does not return rows", view.name);
                };
                views.insert(view.name.to_string(), self.columns(*rows.elem_ty));
            }
        }
        views
    }

    /// The reducers that a client may call.
    fn reducers(&mut self) -> BTreeMap<String, ProductType> {
        let tables = &self.0.tables;
        let scheduled: Vec<_> = tables
            .iter()
            .filter_map(|table| table.schedule.clone())
            .collect();
        let callable = |name: &str, lifecycle: &Option<Lifecycle>| {
            lifecycle.is_none()
                && !scheduled
                    .iter()
                    .any(|schedule| &*schedule.reducer_name == name)
        };
        let reducers = self.0.reducers.clone().into_iter();
        let reducers: Vec<_> = reducers
            .filter(|one| callable(&one.name, &one.lifecycle))
            .collect();
        reducers
            .into_iter()
            .map(|one| (one.name.to_string(), self.columns(one.params.into())))
            .collect()
    }

    fn procedures(&mut self) -> BTreeMap<String, (ProductType, AlgebraicType)> {
        let exports = self.0.misc_exports.clone();
        let mut procedures = BTreeMap::new();
        for export in exports {
            if let RawMiscModuleExportV9::Procedure(one) = export {
                let shape = (
                    self.columns(one.params.into()),
                    self.written_out(one.return_type),
                );
                procedures.insert(one.name.to_string(), shape);
            }
        }
        procedures
    }
}

fn by_name(shapes: Vec<Shape>) -> BTreeMap<String, ProductType> {
    shapes
        .into_iter()
        .map(|shape| (shape.name.to_owned(), shape.columns))
        .collect()
}

/// Compares name by name, so that a failure shows one declaration, not all.
fn same(what: &str, ours: BTreeMap<String, ProductType>, theirs: BTreeMap<String, ProductType>) {
    let names = |map: &BTreeMap<String, ProductType>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&ours),
        names(&theirs),
        "{what}: declared here, and in the module"
    );
    let folded = |columns: &ProductType| {
        let mut columns = AlgebraicType::from(columns.clone());
        fold_case(&mut columns);
        columns
    };
    for (name, ours) in &ours {
        assert_eq!(
            folded(ours),
            folded(&theirs[name]),
            "{what} {name}: declared here, and in the module"
        );
    }
}

#[test]
fn every_declaration_is_the_module_s() {
    let hub = Hub::start();
    let mut module = Module(schema(&hub));
    let Declared {
        tables,
        views,
        reducers,
        procedures,
    } = declared();

    let theirs = module.tables();
    for table in &tables {
        let key = theirs.get(table.name).and_then(|(_, key)| key.as_deref());
        assert!(
            table.key.is_none() || table.key == key,
            "primary key of {}",
            table.name
        );
    }
    let columns = theirs
        .into_iter()
        .map(|(name, (columns, _))| (name, columns))
        .collect();
    same("tables", by_name(tables), columns);
    same("views", by_name(views), module.views());
    same("reducers", by_name(reducers), module.reducers());
    // What is returned is compared as one more parameter.
    let whole = |columns: ProductType, output| {
        ProductType::from([("arguments", columns.into()), ("output", output)])
    };
    let ours = procedures
        .into_iter()
        .map(|(shape, output)| (shape.name.to_owned(), whole(shape.columns, output)));
    let theirs = module
        .procedures()
        .into_iter()
        .map(|(name, (columns, output))| (name, whole(columns, output)));
    same("procedures", ours.collect(), theirs.collect());
}
