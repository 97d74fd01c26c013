"""The contract: Avro schemas, vocabularies and the register of districts. Imports nothing of ours."""
