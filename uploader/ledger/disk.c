// SPDX-License-Identifier: Apache-2.0
// Which file systems can carry a ledger. SQLite needs locks that every process sees, and for its
// write-ahead log memory that every process shares; file systems of a cluster often have neither,
// and lose rows without a word. What is not known to be of one machine is taken for shared.
#include "uploader/ledger/private.h"

struct disk_name {
	unsigned long magic;
	enum ledger_disk disk;
	const char *name;
};

// Numbers of statfs(2), linux/magic.h and the file systems' own sources.
static const struct disk_name disks[] = {
	{0x6969, DISK_NETWORK, "NFS"},
	{0x517b, DISK_NETWORK, "SMB"},
	{0xff534d42, DISK_NETWORK, "CIFS"},
	{0xfe534d42, DISK_NETWORK, "SMB2"},
	{0x0bd00bd0, DISK_NETWORK, "Lustre"},
	{0x47504653, DISK_NETWORK, "GPFS"},
	{0x19830326, DISK_NETWORK, "BeeGFS"},
	{0x5346414f, DISK_NETWORK, "AFS"},
	{0x6b414653, DISK_NETWORK, "AFS"},
	{0x00c36400, DISK_NETWORK, "CephFS"},
	{0x73757245, DISK_NETWORK, "Coda"},
	{0x20030528, DISK_NETWORK, "OrangeFS"},
	{0xaad7aaea, DISK_NETWORK, "PanFS"},
	{0x01161970, DISK_NETWORK, "GFS2"},
	{0x7461636f, DISK_NETWORK, "OCFS2"},
	{0x564c, DISK_NETWORK, "NCP"},
	{0x65735546, DISK_SHARED, "FUSE"},
	{0x01021997, DISK_SHARED, "9P"},
	{0x786f4256, DISK_SHARED, "a VirtualBox shared folder"},
	{0x6a656a63, DISK_SHARED, "virtiofs"},
};

static const unsigned long local_disks[] = {
	0xef53,	    // ext2 to ext4
	0x58465342, // XFS
	0x9123683e, // Btrfs
	0x2fc12fc1, // ZFS
	0xca451a4e, // bcachefs
	0xf2f52010, // F2FS
	0x3153464a, // JFS
	0x01021994, // tmpfs
	0x858458f6, // ramfs
	0x794c7630, // overlay
};

enum ledger_disk ledger_disk_of(unsigned long magic, const char **name_out)
{
	// f_type is signed on some machines: CIFS' number would be negative there.
	unsigned long wanted = magic & 0xffffffffUL;

	for (size_t i = 0; i < sizeof disks / sizeof *disks; i++)
		if (disks[i].magic == wanted) {
			*name_out = disks[i].name;
			return disks[i].disk;
		}
	*name_out = NULL;
	for (size_t i = 0; i < sizeof local_disks / sizeof *local_disks; i++)
		if (local_disks[i] == wanted)
			return DISK_LOCAL;
	return DISK_SHARED;
}
