-- 2026.8

-- migration: authentik_brands.0013_brand_base_url
ALTER TABLE authentik_brands_brand ADD COLUMN base_url text NOT NULL DEFAULT '';
