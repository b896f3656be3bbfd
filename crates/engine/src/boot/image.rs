//! An image as something to boot.

use model::image::Way;
use model::plan::Boot;
use model::{Client, Image};

/// An image as something to boot on this client, or why not.
pub(crate) fn boot_of_image(client: &Client, image: &Image) -> Result<Boot, String> {
    let recipe = &image.recipe;
    let path = |file: &str| format!("image/{}/{}/{file}", image.name, image.version);
    let disc = format!("image/{}/{}.iso", image.name, image.version);
    let kernel = client.arch.map_or(recipe.kernel.as_deref(), |arch| recipe.kernel_for(arch));
    let kernel = match (recipe.way, kernel) {
        (Way::Disc, None) if image.disc.is_some() => disc.clone(),
        (_, None) => {
            let why = image.notes.first().unwrap_or(&image.recognised_by);
            return Err(format!("image {} has nothing to start ({why})", image.name));
        }
        (_, Some(kernel)) => path(kernel),
    };
    if let Some(arch) = client.arch.filter(|arch| !image.runs_on(*arch)) {
        let archs: Vec<&str> = image.archs.iter().map(|a| a.name()).collect();
        let archs = archs.join(", ");
        return Err(format!("image {} is for {archs}, this machine is {arch}", image.name));
    }
    Ok(Boot {
        image: image.name.clone(),
        version: image.version,
        title: image.title.clone(),
        profile: None,
        way: recipe.way,
        kernel,
        initrds: recipe.initrds.iter().map(|file| path(file)).collect(),
        initrd_args: recipe.initrd_args.clone(),
        disc_as: recipe.disc_as.clone().map(|name| (disc, name)),
        args: recipe.args.clone(),
        signed: recipe.signed.as_ref().map(|s| (path(&s.shim), path(&s.grub))),
        deployment: None,
    })
}

/// Whether neither GRUB nor PXELINUX could start it: a disc as a drive, or a disc beside initrds.
pub(super) fn only_ipxe_starts(boot: &Boot) -> bool {
    boot.way == Way::Disc || boot.disc_as.is_some()
}
