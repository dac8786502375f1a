//! A function that gives back the array it is given and refuses anything else, for the inside of `explode`.

use deltalake::arrow::datatypes::{DataType, FieldRef};
use deltalake::datafusion::common::{DataFusionError, Result, internal_err};
use deltalake::datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::failure::Failure;
use super::values::text;

/// The function's name.
pub(super) const ARRAY_ONLY: &str = "explode_input";

/// The function, to be registered with a session.
pub(super) fn array_only() -> ScalarUDF {
    ScalarUDF::from(ArrayOnly { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ArrayOnly {
    signature: Signature,
}

impl ScalarUDFImpl for ArrayOnly {
    fn name(&self) -> &str {
        ARRAY_ONLY
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type depends on the argument's field")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [array] = arguments.arg_fields else { return internal_err!("one array is expected") };
        match array.data_type() {
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => Ok(FieldRef::clone(array)),
            other => {
                let message = format_args!("explode takes an ARRAY here and not a value of type {}.", text(other));
                let failure = Failure::bad("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", message);
                Err(DataFusionError::External(Box::new(failure)))
            }
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match <[ColumnarValue; 1]>::try_from(arguments.args) {
            Ok([array]) => Ok(array),
            Err(_) => internal_err!("one array is expected"),
        }
    }
}
