-- What programs took away themselves and whose content was let go of stays known as such, whatever its name: it is no document.

UPDATE node SET litter = 1 WHERE kind = 'file' AND hash IS NULL AND gone_at IS NOT NULL;
