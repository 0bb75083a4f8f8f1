-- Nothing asks for a version's place in the chain but `check`, which reads the whole chain anyway: each new version would
-- pay for an index that is never searched.

DROP INDEX chain_version;
