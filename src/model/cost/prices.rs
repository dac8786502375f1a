//! Prices: what a DBU is taken for and what it costs. Defaults name where they were read; prices of a DBU have none.

use serde::{Deserialize, Serialize};

/// DBU that Zerobus Ingest takes for a GB, from [`ZEROBUS_SOURCE`].
pub const ZEROBUS_DBU_PER_GB: f64 = 0.143;
/// Where [`ZEROBUS_DBU_PER_GB`] is from: "Standard" ingestion, at the price of the SKU Jobs Serverless Compute.
pub const ZEROBUS_SOURCE: &str =
    "Databricks Labs, Lakemeter, https://databrickslabs.github.io/lakemeter-oss/user-guide/zerobus";
/// Where the sizes of warehouses are from: DBU per hour under the SKU Serverless SQL.
pub const WAREHOUSE_SOURCE: &str =
    "Databricks, Serverless DBU consumption by SKU, https://docs.databricks.com/en/resources/pricing.html";

/// What costs are made with. Every field can be changed by the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// DBU that Zerobus Ingest takes for a GB of 10⁹ bytes.
    pub zerobus_dbu_per_gb: Option<f64>,
    /// Price of one of those DBU; the user's contract says it.
    pub zerobus_price_per_dbu: Option<f64>,
    /// Size of the SQL warehouse. The default is the smallest, so that the cost is the least it can be.
    pub warehouse_size: WarehouseSize,
    /// DBU per hour of the warehouse; `None` for what its size takes.
    pub warehouse_dbu_per_hour: Option<f64>,
    /// Price of one of those DBU; the user's contract says it.
    pub warehouse_price_per_dbu: Option<f64>,
    /// Whether the warehouse runs and is paid for with or without these writes.
    pub warehouse_runs_anyway: bool,
    /// Currency of the prices.
    pub currency: String,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            zerobus_dbu_per_gb: Some(ZEROBUS_DBU_PER_GB),
            zerobus_price_per_dbu: None,
            warehouse_size: WarehouseSize::default(),
            warehouse_dbu_per_hour: None,
            warehouse_price_per_dbu: None,
            warehouse_runs_anyway: false,
            currency: "USD".to_owned(),
        }
    }
}

impl Prices {
    /// DBU per hour of the warehouse.
    pub fn warehouse_dbu_per_hour(&self) -> f64 {
        self.warehouse_dbu_per_hour.unwrap_or_else(|| self.warehouse_size.dbu_per_hour())
    }
}

/// Sizes of a serverless SQL warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WarehouseSize {
    /// 4 DBU per hour.
    #[default]
    #[serde(rename = "2X-Small")]
    XxSmall,
    /// 6 DBU per hour.
    #[serde(rename = "X-Small")]
    XSmall,
    /// 12 DBU per hour.
    Small,
    /// 24 DBU per hour.
    Medium,
    /// 40 DBU per hour.
    Large,
    /// 80 DBU per hour.
    #[serde(rename = "X-Large")]
    XLarge,
    /// 144 DBU per hour.
    #[serde(rename = "2X-Large")]
    XxLarge,
    /// 272 DBU per hour.
    #[serde(rename = "3X-Large")]
    XxxLarge,
    /// 528 DBU per hour.
    #[serde(rename = "4X-Large")]
    XxxxLarge,
}

impl WarehouseSize {
    /// Every size, smallest first.
    pub const ALL: [Self; 9] = [
        Self::XxSmall,
        Self::XSmall,
        Self::Small,
        Self::Medium,
        Self::Large,
        Self::XLarge,
        Self::XxLarge,
        Self::XxxLarge,
        Self::XxxxLarge,
    ];

    /// The name Databricks gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::XxSmall => "2X-Small",
            Self::XSmall => "X-Small",
            Self::Small => "Small",
            Self::Medium => "Medium",
            Self::Large => "Large",
            Self::XLarge => "X-Large",
            Self::XxLarge => "2X-Large",
            Self::XxxLarge => "3X-Large",
            Self::XxxxLarge => "4X-Large",
        }
    }

    /// DBU per hour, from [`WAREHOUSE_SOURCE`].
    pub fn dbu_per_hour(self) -> f64 {
        match self {
            Self::XxSmall => 4.0,
            Self::XSmall => 6.0,
            Self::Small => 12.0,
            Self::Medium => 24.0,
            Self::Large => 40.0,
            Self::XLarge => 80.0,
            Self::XxLarge => 144.0,
            Self::XxxLarge => 272.0,
            Self::XxxxLarge => 528.0,
        }
    }
}
