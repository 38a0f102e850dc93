package corpus

// The vocabulary of made-up workloads. Kept apart from what is built of it, so that the two are not read together.

var services = []string{
	"account", "address", "audit", "auth", "basket", "billing", "booking", "campaign", "catalog", "chat", "checkout",
	"claims", "contract", "coupon", "courier", "credit", "currency", "customer", "dispatch", "document", "dunning",
	"export", "feature", "feed", "fraud", "geocode", "gift", "identity", "import", "inventory", "invoice", "ledger",
	"loyalty", "mail", "media", "notify", "offer", "order", "partner", "payment", "payout", "picking", "pricing",
	"profile", "quota", "ranking", "receipt", "refund", "report", "returns", "review", "route", "search", "session",
	"shipment", "stock", "supplier", "survey", "tax", "tenant", "ticket", "translate", "voucher", "warehouse",
}

var roles = []string{
	"api", "batch", "cache", "consumer", "cron", "gateway", "indexer", "proxy", "reader", "relay", "scheduler", "sync",
	"ui", "web", "worker", "writer",
}

var teams = []string{
	"atlas", "borealis", "cobalt", "delta", "ember", "falcon", "granite", "harbor", "indigo", "juniper", "krypton",
	"lumen", "meridian", "nimbus", "onyx", "polaris", "quartz", "ridge", "sierra", "tundra",
}

var registries = []string{
	"registry.example.com", "europe-docker.pkg.example.net/prod", "123456789012.dkr.ecr.eu-central-1.example.com",
	"ghcr.example.org",
}

var environmentNames = []string{
	"ALLOWED_ORIGINS", "BATCH_SIZE", "BROKER_LIST", "CACHE_TTL", "CIRCUIT_BREAKER", "CONSUMER_GROUP", "CURRENCY",
	"DB_HOST", "DB_NAME", "DB_POOL_MAX", "DB_USER", "DEAD_LETTER_TOPIC", "DEFAULT_LOCALE", "ENDPOINT", "FEATURE_SET",
	"GRPC_TARGET", "HTTP_TIMEOUT", "IDLE_TIMEOUT", "JAVA_TOOL_OPTIONS", "KEY_PREFIX", "LOG_LEVEL", "MAX_RETRIES",
	"METRICS_PATH", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_RESOURCE_ATTRIBUTES", "PARTITIONS", "RATE_LIMIT", "REDIS_URL",
	"REGION", "S3_BUCKET", "SAMPLING_RATIO", "SCHEMA_REGISTRY", "SENTRY_DSN", "SHARD_COUNT", "SMTP_RELAY", "TENANT_ID",
	"TLS_CIPHERS", "TOPIC", "UPSTREAM", "WEBHOOK_URL", "WORKER_THREADS",
}

var flags = []string{
	"--address", "--audit-file", "--bind", "--cache-size", "--config", "--drain-timeout", "--enable", "--feature-gates",
	"--grpc-port", "--idle-timeout", "--leader-elect", "--log-format", "--log-level", "--max-connections",
	"--metrics-bind-address", "--namespace", "--profile", "--queue", "--read-timeout", "--shard", "--tls-min-version",
	"--upstream", "--v", "--workers", "--write-timeout",
}

var annotationNames = []string{
	"checksum/config", "checksum/secret", "cluster-autoscaler.example.com/safe-to-evict",
	"deploy.example.com/change-cause", "deploy.example.com/commit", "deploy.example.com/pipeline",
	"logging.example.com/parser", "prometheus.example.com/path", "prometheus.example.com/port",
	"prometheus.example.com/scrape", "sidecar.example.com/inject", "vault.example.com/role",
}
