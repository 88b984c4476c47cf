-- 2025.6

-- migration: authentik_brands.0009_brand_branding_custom_css
ALTER TABLE authentik_brands_brand ADD COLUMN branding_custom_css text NOT NULL DEFAULT '';
